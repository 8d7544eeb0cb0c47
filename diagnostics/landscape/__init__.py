r"""The shape of a loss as data: curves, surfaces and sentences, which renderers draw. Numpy and nothing else.

from trainvitals.diagnostics.landscape.analysis import analyse
from trainvitals.diagnostics.landscape.words import sentences

print(*sentences(analyse(lambda error: abs(error) ** 0.5, 0.0, 1.0)), sep="\n")
"""
