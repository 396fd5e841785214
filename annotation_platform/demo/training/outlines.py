"""One outline for a shape of several parts with holes: YOLO's label format has room for no more.

A part or hole is reached over a bridge of no width, walked there and back. Filled by the even-odd rule, the one ring
covers just what the many rings covered.
"""

import numpy as np

from annotation_platform.demo.scenes import SceneObject

Points = np.ndarray  # of shape (n, 2)


def one_outline(item: SceneObject) -> Points:
    """Every ring of `item` joined to one, as points of shape (n, 2) in absolute pixels."""
    rings = [np.asarray(ring, np.float64) for polygon in item.polygons for ring in polygon]
    outline = rings.pop(0)
    while rings:
        nearest = min(range(len(rings)), key=lambda index: _gap(outline, rings[index])[0])
        ring = rings.pop(nearest)
        _, at, start = _gap(outline, ring)
        walked = np.concatenate([ring[start:], ring[: start + 1]])  # round the ring and back to its start
        outline = np.concatenate([outline[: at + 1], walked, outline[at:]])
    return outline


def _gap(outline: Points, ring: Points) -> tuple[float, int, int]:
    """The shortest way between two rings' points: its length, and the index in each."""
    distances = np.linalg.norm(outline[:, None] - ring[None], axis=2)
    at, start = np.unravel_index(int(distances.argmin()), distances.shape)
    return float(distances[at, start]), int(at), int(start)
