r"""The loss around trained weights: planes and lines through them, measured within a budget and kept in a small file.

`read_surface(path)` and `find_surfaces(folder)` need numpy and pyarrow only, and
`trainvitals.diagnostics.weights.picture.landscape(surface)` makes of a surface the picture object that
`diagnostics.render.landscape` (svg, png, html, text, json) draws:

    from trainvitals.diagnostics.render.landscape import svg
    from trainvitals.diagnostics.weights import find_surfaces, read_surface
    from trainvitals.diagnostics.weights.picture import landscape

    for path in find_surfaces("runs/mine"):
        picture = landscape(read_surface(path))
        print(*picture.sentences, svg.render(picture), sep="\n")

`trainvitals.diagnostics.weights.compute.compute` measures a surface; it and what it uses import torch.
"""

from trainvitals.diagnostics.weights.store import SUFFIX, SurfaceError, find_surfaces, read_surface
from trainvitals.diagnostics.weights.surface import Barrier, LossSurface, Sharpness, Station

__all__ = [
    "SUFFIX",
    "Barrier",
    "LossSurface",
    "Sharpness",
    "Station",
    "SurfaceError",
    "find_surfaces",
    "read_surface",
]
