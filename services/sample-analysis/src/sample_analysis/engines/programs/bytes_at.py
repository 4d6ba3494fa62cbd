"""Numbers about bytes."""

import numpy as np


def entropy(data: bytes) -> float:
    """Bits a byte: 8 for chance, packed and encrypted bytes."""
    counts = np.bincount(np.frombuffer(data, np.uint8), minlength=256)
    shares = counts[counts > 0] / len(data)
    return float(-(shares * np.log2(shares)).sum())
