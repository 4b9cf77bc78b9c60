"""What NodeGraphQt knows of a layer: a node with its ports, beside the item in the scene."""

from NodeGraphQt import BaseNode, NodeGraph
from NodeGraphQt import Port as StockPort
from NodeGraphQt.base.model import NodeModel, PortModel

from designer.gui.canvas.look import Look, PortLook
from designer.gui.canvas.node import NodeItem


class LayerModel(NodeModel):
    """What NodeGraphQt keeps of a node: of ours their ports alone."""

    def __init__(self) -> None:
        self.__dict__ |= _BLANK
        self.inputs: dict[str, PortModel] = {}
        self.outputs: dict[str, PortModel] = {}


_BLANK = {**vars(NodeModel()), "type_": "designer.LayerNode", "port_deletion_allowed": True}


class LayerNode(BaseNode):
    """NodeGraphQt's node of one layer; its id is the path of the layer."""

    __identifier__ = "designer"
    NODE_NAME = "layer"

    def __init__(self, graph: NodeGraph | None = None, path: str = ""):
        # WORKAROUND: the stock constructors fill three tables for each node, which nothing here reads.
        self._graph, self._model, self._view = graph, LayerModel(), NodeItem()
        self._inputs: list[StockPort] = []
        self._outputs: list[StockPort] = []
        self._model.id = self._view.id = path
        self._model._graph_model = graph.model if graph else None

    def show(self, look: Look) -> None:
        """Take on a look, ports first; wires of ports that go must be gone."""
        known, model = self.view.look, self.model
        for out, wanted, ports, models in (
            (False, look.inputs, self._inputs, model.inputs),
            (True, look.outputs, self._outputs, model.outputs),
        ):
            if names_of((known.outputs if out else known.inputs) if known else ()) != (names := names_of(wanted)):
                self._sync(out, names, ports, models)
        model.name = self.NODE_NAME = look.name
        self.view.show(look)

    def port(self, name: str, out: bool) -> StockPort:
        return next(port for port in (self._outputs if out else self._inputs) if port.view.name == name)

    def rest(self) -> None:
        """Be out of the scene without wires, as something that may come back."""
        for ports in (self._inputs, self._outputs):
            for port in ports:
                port.model.connected_ports.clear()
                port.view.rest()
        self.view.rest()

    def _sync(self, out: bool, names: list[str], ports: list[StockPort], models: dict[str, PortModel]) -> None:
        """Bring the ports of a side to these names, in this order."""
        for port in [port for port in ports if port.name() not in names]:
            (self.delete_output if out else self.delete_input)(port)
        for name in names:
            if name not in models:
                # Not add_input: it makes the list of all ports anew for each that comes.
                port = StockPort(self, self.view.add_output(name, True) if out else self.view.add_input(name, True))
                port.model.name, port.model.type_, port.model.multi_connection = name, port.view.port_type, True
                models[name] = port.model
                ports.append(port)
        if [port.view.name for port in ports] != names:
            order = {name: place for place, name in enumerate(names)}
            ports.sort(key=lambda port: order[port.view.name])
            (self.view._outputs if out else self.view._inputs).sort(key=lambda item: order[item.name])


def names_of(ports: tuple[PortLook, ...]) -> list[str]:
    return [port.name for port in ports]
