"""Predicted quantities in words."""


def rate(bits: float) -> str:
    """`9.38 Mbit/s`."""
    return f"{bits / 1e6:.3g} Mbit/s" if bits < 1e9 else f"{bits / 1e6:.0f} Mbit/s"


def times(pair: tuple[float, float]) -> str:
    """Microseconds as `40ms`, or as `38..42ms` where the least and the most differ."""
    low, high = (f"{time / 1000:.3f}".rstrip("0").rstrip(".") for time in pair)
    return f"{low}ms" if low == high else f"{low}..{high}ms"
