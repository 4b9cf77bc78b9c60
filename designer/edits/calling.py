"""Use a layer or group a second time: same code, same learnables."""

from designer.edits.copying import fresh_name
from designer.model import BUNDLE, Call, Input, Network, NetworkError, Output, Parameter, Port
from designer.model.names import join, parent


def call(network: Network, path: str, name: str = "") -> tuple[Network, str]:
    """Add a second use beside a layer or group, with the wire that says what it calls; give its path too.

    Called again, a second use gives one more of what it calls.
    """
    layer = network.layer(path)
    if isinstance(layer, Input | Output):
        whose = parent(path) or "the network"
        raise NetworkError(f"{path} is an end of {whose}: there is nothing in it to call again.")
    if isinstance(layer, Parameter):
        raise NetworkError(f"{path} is a learnable, not a step: tie it to use it again.")
    if (called := network.called(path)) is None:
        raise NetworkError(f"{path} calls nothing yet: draw the wire to its learnables first.")
    home = parent(path)
    if not name:
        tail = called.rpartition(".")[2]
        wanted = "again" if tail.isdecimal() else f"{tail}_again"  # a number cannot take a word
        name = fresh_name(wanted, network.network_at(home).layers)
    made = join(home, name)
    return network.add(**{made: Call()}).connect(Port(called, BUNDLE), Port(made, BUNDLE)), made
