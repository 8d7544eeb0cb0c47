"""Makes the helper modules beside the tests importable under `--import-mode=importlib`.

Rules that crash raise here, and nothing is kept in the cache of whoever runs the tests.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
os.environ["TRAINVITALS_STRICT"] = "1"
os.environ["TRAINVITALS_NO_CACHE"] = "1"
