"""Makes the pictures of the dashboard in the README anew, from the reference logs.

python tests/dashboard/pictures.py
"""

from __future__ import annotations

import io
import os
import sys
import urllib.parse
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from browser import page, served  # noqa: E402 (the folder of tests is no package)

FOLDER = ROOT / "dashboard" / "pictures"
WIDTH = 1400

SICK = "article/weight-too-high"
PICTURES = {
    "runs": ("", {}, 660, 0),
    "run": ("run", {"run": SICK}, 900, 1),
    "curves": ("curves", {"of": [SICK, "article/healthy-0"], "metrics": ["article_loss", "other_loss"]}, 1000, 1),
}
"""Name: (page, what stands in its URL, height, charts to wait for)."""


def main() -> None:
    """Open each page, and keep what is seen."""
    FOLDER.mkdir(exist_ok=True)
    os.chdir(ROOT)  # the page names the folder as it was given
    with served(Path("sample_logs")) as address:
        for name, (path, query, height, charts) in PICTURES.items():
            url = f"{address}{path}?{urllib.parse.urlencode(query, doseq=True)}"
            with page(url, width=WIDTH, height=height) as view:
                if charts:
                    view.locator("[data-testid=stVegaLiteChart]").locator("canvas, svg").first.wait_for()
                view.wait_for_timeout(5000)
                shot = Image.open(io.BytesIO(view.screenshot()))
            target = FOLDER / f"{name}.png"
            shot.convert("RGB").save(target, optimize=True)
            print(target.relative_to(ROOT), target.stat().st_size)


if __name__ == "__main__":
    main()
