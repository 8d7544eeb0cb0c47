"""Console text in a layout that no line format knows, and that its own lines explain: `epoch 3 | train loss 0.52`.

What is learnt, and when, is told in `parsers.text.learner` and `parsers.text.learnt`. The report shows the layouts that
were found, so that a reader can see what was taken for what.
"""

from __future__ import annotations

NAME = "learnt"
TITLE = "any other console output with rows of `name value` below one another, or tables with a header"
SAMPLE = b"""\
Train Epoch: 1 [0/60000 (0%)]\tLoss: 2.359348
Train Epoch: 1 [6400/60000 (11%)]\tLoss: 0.912735
Train Epoch: 1 [12800/60000 (21%)]\tLoss: 0.791347
Train Epoch: 1 [19200/60000 (32%)]\tLoss: 0.675237
"""
ORIGIN = "pytorch/examples, mnist"
READS = "step or epoch where a line names one, split from its words; see `trainvitals formats --test FILE`"
