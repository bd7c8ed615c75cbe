"""Initial weights of a net's linear layers."""

from __future__ import annotations

from torch import nn

from tabgan.errors import TabganError, nearest

SCHEMES = {
    "orthogonal": nn.init.orthogonal_,  # W W^T = 1 (Saxe et al. 2014)
    "xavier": nn.init.xavier_uniform_,  # variance 2 / (inputs + outputs) (Glorot & Bengio 2010)
    "normal": lambda weight: nn.init.normal_(weight, std=0.02),  # DCGAN (Radford et al. 2016)
}


def initialise(net: nn.Module, *, scheme: str) -> None:
    """Draw the weights of every linear layer anew, and set its biases to 0.

    A layer that starts at zero on purpose stays there.

    Raises:
        TabganError: for an unknown scheme.
    """
    if scheme not in SCHEMES:
        raise TabganError(
            f"tool.initialisation.scheme={scheme!r}: unknown; {nearest(scheme, SCHEMES)}"
        )
    for layer in net.modules():
        if isinstance(layer, nn.Linear) and layer.weight.count_nonzero():
            SCHEMES[scheme](layer.weight)
            nn.init.zeros_(layer.bias) if layer.bias is not None else None
