"""Models of torchvision, where it is installed."""

import torch

_LIBRARY = torch.library.Library("torchvision", "FRAGMENT")  # a build for another device lacks them, and stops at that
for _name in ("nms", "qnms"):
    _LIBRARY.define(_name + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

import torchvision.models as library  # noqa: E402


def model(name, size=64, **settings):
    """A maker of a model that takes pictures."""
    return lambda: (getattr(library, name)(weights=None, **settings), {"x": torch.rand(2, 3, size, size)})


MODELS = {
    "torchvision resnet18": model("resnet18"),
    "torchvision densenet121": model("densenet121"),
    "torchvision mobilenet v3": model("mobilenet_v3_small"),
    "torchvision efficientnet b0": model("efficientnet_b0"),
    "torchvision squeezenet": model("squeezenet1_1"),
    "torchvision shufflenet v2": model("shufflenet_v2_x0_5"),
    "torchvision convnext": model("convnext_tiny"),
    "torchvision swin": model("swin_t"),
    "torchvision vit": model("vit_b_32", 224),
    "torchvision inception v3": model("inception_v3", 128, init_weights=False),
}
