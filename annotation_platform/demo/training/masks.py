"""Masks of the truth: which pixels' centres lie inside an object, holes left out."""

import cv2
import numpy as np
import shapely

from annotation_platform.demo.scenes import HEIGHT, WIDTH, SceneObject


def region(item: SceneObject) -> shapely.MultiPolygon:
    return shapely.MultiPolygon([shapely.Polygon(polygon[0], polygon[1:]) for polygon in item.polygons])


def rasterise(item: SceneObject, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A bool mask of shape (height, width): pixel (x, y) is set where (x + 0.5, y + 0.5) lies inside."""
    mask = np.zeros((height, width), bool)
    left, top, right, bottom = item.bbox_xyxy
    x0, y0 = max(0, int(left)), max(0, int(top))
    x1, y1 = min(width, int(right) + 1), min(height, int(bottom) + 1)
    x, y = np.meshgrid(np.arange(x0, x1) + 0.5, np.arange(y0, y1) + 0.5)
    shape = region(item)
    shapely.prepare(shape)
    mask[y0:y1, x0:x1] = shapely.contains_xy(shape, x, y)
    return mask


def iou(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of two bool masks; 0 where both are empty."""
    union = int((first | second).sum())
    return int((first & second).sum()) / union if union else 0.0


def coverage(mask: np.ndarray, width: int, height: int) -> np.ndarray:
    """How much of each cell of a coarser grid a mask covers: uint8 of shape (height, width), 255 for all of it."""
    cells = cv2.resize(mask.astype(np.float32) * 255, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(np.round(cells), np.uint8)
