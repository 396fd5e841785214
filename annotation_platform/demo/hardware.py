"""The four kinds of part: true-to-scale outlines and the relief that the light falls on.

Every part is described in its own frame: pixels, origin at its middle, x right, y down, not yet turned.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import Point, Polygon

from annotation_platform.demo.photo import FloatArray, Rng, smoothstep

LABELS = ("washer", "nut", "bolt", "gear")

Relief = Callable[[FloatArray, FloatArray], FloatArray]


@dataclass(frozen=True)
class Part:
    """One piece of hardware. `relief(x, y)` is the height of its top face in pixels, in its own frame."""

    label: str
    outline: Polygon
    relief: Relief
    thickness: float  # pixels above the bench: how far shadows reach
    wall: float  # pixels of vertical side wall that a camera off to one side sees
    turned: bool  # made on a lathe (circular tool marks), not drawn (straight ones)


def make_part(label: str, rng: Rng) -> Part:
    builders = {"washer": make_washer, "nut": make_nut, "bolt": make_bolt, "gear": make_gear}
    return builders[label](rng)


def disc(radius: float) -> Polygon:
    return Point(0, 0).buffer(radius, quad_segs=max(8, int(radius / 2)))


def radius_of(x: FloatArray, y: FloatArray) -> FloatArray:
    return np.asarray(np.hypot(x, y))


def make_washer(rng: Rng) -> Part:
    outer = rng.uniform(21, 60)
    inner = outer * rng.uniform(0.36, 0.62)
    dome = rng.choice([0.0, 0.0, 0.12])  # spring washers are slightly conical

    def relief(x: FloatArray, y: FloatArray) -> FloatArray:
        r = radius_of(x, y)
        return np.asarray(dome * (outer - r) + 0.9 * smoothstep(outer, outer - 2.2, r))

    thickness = 2.2 + outer * 0.05
    return Part("washer", disc(outer) - disc(inner), relief, thickness, 0.0, bool(rng.random() < 0.8))


def make_nut(rng: Rng) -> Part:
    flat = rng.uniform(20, 52)  # middle to flat; the corner lies 15 % further out
    minor = flat * rng.uniform(0.46, 0.60)
    major = minor * 1.17
    angles = np.arange(6) * np.pi / 3
    corner = flat / np.cos(np.pi / 6)
    hexagon = Polygon(np.stack([corner * np.cos(angles), corner * np.sin(angles)], axis=-1))
    hexagon = hexagon.buffer(-1.2).buffer(1.2, quad_segs=4)
    pitch = max(1.7, (major - minor) * 0.55)

    def relief(x: FloatArray, y: FloatArray) -> FloatArray:
        r = radius_of(x, y)
        chamfer = 0.62 * np.maximum(r - flat * 0.955, 0)
        countersink = 0.9 * np.maximum(major - r, 0)
        spiral = r / pitch + np.arctan2(y, x) / (2 * np.pi)
        threads = np.where(r < major * 0.985, 0.55 * np.sin(2 * np.pi * spiral), 0)
        return np.asarray(threads - chamfer - countersink, np.float32)

    thickness = flat * rng.uniform(0.55, 0.85)
    return Part("nut", hexagon - disc(minor), relief, thickness * 0.6, thickness, bool(rng.random() < 0.5))


def make_gear(rng: Rng) -> Part:
    tip = rng.uniform(32, 82)
    teeth = int(rng.integers(10, max(12, int(2 * np.pi * tip / 10))))
    depth = min(2.25 * 2 * tip / (teeth + 2), tip * 0.24)
    root = tip - depth
    bore, hub, rim = (
        tip * rng.uniform(0.12, 0.24),
        tip * rng.uniform(0.32, 0.42),
        root * rng.uniform(0.84, 0.9),
    )
    outline = gear_teeth(teeth, root, tip) - disc(bore)
    if rng.random() < 0.35:
        outline -= shapely.box(-0.28 * bore, -1.32 * bore, 0.28 * bore, 0)  # keyway
    if tip > 40 and rng.random() < 0.5:
        outline -= lightening_holes(int(rng.integers(3, 7)), (hub + rim) / 2, (rim - hub) * 0.34)
    web = rng.choice([0.0, 1.0, 1.0]) * rng.uniform(1.2, 3.0)
    hub_height = rng.choice([0.0, 1.0]) * rng.uniform(1.0, 2.5)

    def relief(x: FloatArray, y: FloatArray) -> FloatArray:
        r = radius_of(x, y)
        recess = smoothstep(hub, hub + 2.4, r) * smoothstep(rim, rim - 2.4, r)
        return np.asarray(hub_height * smoothstep(hub + 1, hub - 1, r) - web * recess)

    wall = tip * rng.uniform(0.12, 0.30)
    return Part("gear", outline, relief, wall * 0.75, wall, bool(rng.random() < 0.8))


def gear_teeth(teeth: int, root: float, tip: float) -> Polygon:
    """A spur gear without its bore: straight-flanked teeth that narrow towards the tip."""
    profile = [(-0.50, root), (-0.31, root), (-0.25, root + 0.3 * (tip - root)), (-0.14, tip), (0.14, tip)]
    profile += [(0.25, root + 0.3 * (tip - root)), (0.31, root)]
    steps = [((tooth + at) * 2 * np.pi / teeth, radius) for tooth in range(teeth) for at, radius in profile]
    return Polygon([(radius * np.cos(angle), radius * np.sin(angle)) for angle, radius in steps]).buffer(0)


def lightening_holes(count: int, distance: float, radius: float) -> Polygon:
    radius = min(radius, distance * np.sin(np.pi / count) * 0.72)
    angles = (np.arange(count) + 0.5) * 2 * np.pi / count
    centers = shapely.points(distance * np.cos(angles), distance * np.sin(angles))
    return shapely.union_all(shapely.buffer(centers, radius, quad_segs=10))


@dataclass(frozen=True)
class Bolt:
    """Measures of a bolt that lies on its side along x, head at the left end."""

    left: float
    head: float  # length of the head along x
    head_radius: float
    shank: float  # length of the shank
    radius: float  # of the shank
    plain: float  # length of shank without thread
    pitch: float
    style: str  # hex, pan or socket

    @property
    def shoulder(self) -> float:
        return self.left + self.head

    @property
    def tip(self) -> float:
        return self.shoulder + self.shank


def make_bolt(rng: Rng) -> Part:
    radius = rng.uniform(8, 17)
    shank = radius * rng.uniform(4.6, 9.5)
    style = str(rng.choice(["hex", "hex", "pan", "socket"]))
    head_radius = max(16, radius * {"hex": 1.85, "pan": 1.9, "socket": 1.6}[style])
    head = radius * {"hex": 1.35, "pan": 1.25, "socket": 1.9}[style]
    plain = shank * rng.choice([0.03, 0.03, 0.3, 0.45])
    bolt = Bolt(-(head + shank) / 2, head, head_radius, shank, radius, plain, max(2.9, radius * 0.34), style)

    def relief(x: FloatArray, y: FloatArray) -> FloatArray:
        return np.where(x < bolt.shoulder, head_relief(bolt, x, y), shank_relief(bolt, x, y))

    outline = shapely.union(head_outline(bolt), shank_outline(bolt))
    return Part("bolt", outline, relief, head_radius * 0.8, 0.0, turned=False)


def shank_outline(bolt: Bolt) -> Polygon:
    """The shank with its thread crests; the two edges are half a turn of the helix apart."""
    start, end = bolt.shoulder + bolt.plain, bolt.tip - 0.35 * bolt.radius
    count = max(2, int((end - start) / bolt.pitch))
    groove = bolt.radius - 0.30 * bolt.pitch
    edge = []
    for turn in range(count):
        edge += [
            (start + (turn + 0.1) * bolt.pitch, groove),
            (start + (turn + 0.6) * bolt.pitch, bolt.radius),
        ]
    lower = [(bolt.shoulder - 1, bolt.radius), (start, bolt.radius), *edge, (bolt.tip, bolt.radius * 0.68)]
    upper = [(x - 0.5 * bolt.pitch if start < x < bolt.tip else x, -y) for x, y in lower]
    return Polygon([*lower, *reversed(upper)]).buffer(0)


def shank_relief(bolt: Bolt, x: FloatArray, y: FloatArray) -> FloatArray:
    round_bar = np.sqrt(np.maximum(bolt.radius**2 - y**2, 0.5))
    start = bolt.shoulder + bolt.plain
    phase = (x - start) / bolt.pitch - 0.35 - 0.25 * y / bolt.radius
    threads = 0.26 * bolt.pitch * np.cos(2 * np.pi * phase)
    return np.asarray(round_bar + np.where(x > start, threads, 0), np.float32)


def head_outline(bolt: Bolt) -> Polygon:
    left, right, r = bolt.left, bolt.shoulder, bolt.head_radius
    if bolt.style == "pan":
        angles = np.linspace(-np.pi / 2, np.pi / 2, 24)
        dome = [(right - bolt.head * np.cos(a) ** 0.6, r * np.sin(a)) for a in angles]
        return Polygon(dome).buffer(0)
    bevel = 0.16 * bolt.head if bolt.style == "hex" else 0.08 * bolt.head
    return Polygon(
        [(right, -r), (right, r), (left + bevel, r), (left, r * 0.86), (left, -r * 0.86), (left + bevel, -r)]
    )


def head_relief(bolt: Bolt, x: FloatArray, y: FloatArray) -> FloatArray:
    r = bolt.head_radius
    if bolt.style == "pan":
        along = (x - bolt.shoulder) / bolt.head
        return np.asarray(0.8 * r * np.sqrt(np.maximum(1 - along**2 - (y / r) ** 2, 0.01)), np.float32)
    if bolt.style == "socket":
        knurl = 0.28 * np.sin(np.arcsin(np.clip(y / r, -1, 1)) * r / 1.1) * (x > bolt.left + 0.22 * bolt.head)
        return np.asarray(np.sqrt(np.maximum(r**2 - y**2, 1.0)) + knurl, np.float32)
    facets = -0.62 * np.maximum(np.abs(y) - r / 2, 0)  # three of the six flats are in view
    crown = -0.5 * np.maximum(bolt.left + 0.2 * bolt.head + 0.05 * (np.abs(y) % (r / 2)) - x, 0)
    return np.asarray(facets + crown + 0.8 * r, np.float32)
