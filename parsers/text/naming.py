"""What the names in a line of an unknown layout say: which count steps, which are metrics, and which are neither."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from trainvitals.parsers.model import SPLIT_WORDS, Split
from trainvitals.parsers.patterns import pattern

Counter = Literal["step", "batch", "epoch"]
"""`batch` counts within an epoch where an epoch stands beside it, and as `step` does where not."""

_EPOCHS = frozenset({"epoch", "epochs", "ep", "epoch_idx", "current_epoch", "cur_epoch"})
_STEPS = frozenset(
    {
        "step", "steps", "global_step", "globalstep", "train_step", "current_step", "cur_step", "optimizer_step",
        "iter", "iters", "iteration", "iterations", "it", "its", "itr", "cur_iter", "niter", "update", "updates",
        "num_updates", "up", "timestep", "timesteps", "time_step", "env_step", "env_steps", "episode", "episodes",
        "round", "tick",
    }
)  # fmt: skip
_BATCHES = frozenset({"batch", "batches", "minibatch", "mini_batch", "mini-batch", "batch_idx", "mb"})
_OTHER_COUNTS = frozenset(
    {"max", "num", "number", "total", "warmup", "per", "every", "save", "saving", "logging", "log", "n", "best", "last"}
)
"""Words beside `steps` that make it a setting, or the step of something else than this line."""

_AVERAGES = frozenset({"avg", "average", "mean", "running"})
_PARTS = pattern(r"[^\W\d_]+")
_METRICS = frozenset(
    {
        "loss", "losses", "acc", "accuracy", "ppl", "perplexity", "lr", "norm", "gnorm", "grad", "reward", "rewards",
        "return", "returns", "score", "auc", "bleu", "rouge", "mae", "mse", "rmse", "kl", "entropy", "err", "error",
        "iou", "miou", "map", "dice", "precision", "recall", "elbo", "nll", "bpc", "bpb", "psnr", "ssim", "fid",
        "wer", "cer", "cost", "xent", "ce", "bce", "logloss", "mlogloss", "merror", "f", "mrr", "ndcg", "hits",
        "reconstruction", "recon", "objective", "energy", "likelihood", "divergence", "top", "prec", "kappa", "mcc",
        "ap", "ar", "ari", "nmi",
    }
)  # fmt: skip
"""Words that say that a number was measured on a model."""
_SPEAKING = ("loss", "err", "acc", "perplexity", "norm", "reward", "auc")
_NORMS = (" l1", " l2", "_l1", "_l2")
_NO_OUTCOMES = frozenset({"lr", "norm", "gnorm", "grad"})
_METRICS_ALONE = frozenset(
    {"learn", "train", "test", "val", "valid", "dev", "eval", "training", "validation", "avg", "learning rate", "l.r."}
)
"""Whole names that stand for the metric itself (`learn: 0.69`, `Val: 0.79`)."""
_SETTINGS = frozenset(
    {
        "weight", "scale", "coef", "coefficient", "decay", "lambda", "alpha", "beta", "window", "every", "threshold",
        "thresh", "thr", "tolerance", "tol", "smoothing", "dropout", "type", "fn", "name", "low", "high", "below",
    }
)  # fmt: skip

_NO_METRICS = frozenset(
    {
        "mem", "memory", "gpumem", "cpumem", "maxmem", "vram", "rss", "cached", "allocated", "reserved", "pid",
        "port", "line", "seed", "version", "uptime", "date", "timestamp", "eta", "elapsed", "remaining", "remain",
        "size", "bytes", "params", "parameters", "progress", "percentage", "percent", "address", "id", "uuid",
        "http", "status", "code", "best", "patience", "stalled", "took", "at",
    }
)  # fmt: skip
_PACES = frozenset(
    {"dt", "step time", "iter time", "batch time", "time per step", "time per iter", "time/step", "time/iter"}
)
_IDENTITIES = frozenset(
    {
        "fold", "trial", "run", "class", "category", "label", "layer", "head", "model", "candidate", "task",
        "client", "expert", "group", "param", "shard", "subject", "sample", "index", "idx", "block", "bin", "seed",
        "split", "config", "attempt", "generation", "depth", "k", "user", "file", "image", "video",
    }
)  # fmt: skip
"""What such a number tells apart is no time: rows of different folds or classes are no curve."""
_PROCESSES = frozenset({"rank", "local_rank", "gpu", "worker", "process", "device", "node", "replica", "proc"})
_HEADING = pattern(r"([a-z]+)(?: (?:errors?|results?|metrics|set|phase|performance))?\s?:", re.IGNORECASE)
_FILE = pattern(
    r".*\.(?:py|cc|cpp|cu|c|h|go|js|ts|rs|java|pt|pth|txt|json|yaml|yml|log|csv|bin|sh|ipynb)", re.IGNORECASE
)


@lru_cache(maxsize=4096)
def counter(name: str) -> Counter | None:
    """What a name counts: `Epoch`, `global step`, `Train Iteration`; None for settings such as `max steps`."""
    words = name.lower().split()
    last = words[-1].strip(".#:") if words else ""
    if not words or not _OTHER_COUNTS.isdisjoint(words):
        return None
    if last in _EPOCHS:
        return "epoch"
    if last in _STEPS:
        return "step"
    return "batch" if last in _BATCHES else None


@lru_cache(maxsize=4096)
def is_metric(name: str) -> bool:
    """Whether a name says by itself that it is measured in training."""
    low = name.lower()
    parts = _PARTS.findall(low)
    if low in _METRICS_ALONE or low.endswith("learning rate"):
        return True
    if not _SETTINGS.isdisjoint(parts):
        return False
    return low.endswith(_NORMS) or any(part in _METRICS or part.endswith(_SPEAKING) for part in parts)


@lru_cache(maxsize=4096)
def is_outcome(name: str) -> bool:
    """Whether a name is of a result of training, not of what was set for it (`lr`) or a size of its gradients."""
    if name.lower() in _METRICS_ALONE or "rate" in name.lower():
        return False
    return is_metric(name) and _NO_OUTCOMES.isdisjoint(_PARTS.findall(name.lower()))


@lru_cache(maxsize=4096)
def is_no_metric(name: str) -> bool:
    """Whether a number under this name is never of a series: memory, a line number, a best value so far."""
    if _FILE.fullmatch(name):
        return True
    return not _NO_METRICS.isdisjoint(_PARTS.findall(name.lower()))


def is_pace(name: str) -> bool:
    """Whether a time under this name is that of one step."""
    return re.sub(r"[\W_]+", " ", name.lower()) in _PACES


@lru_cache(maxsize=4096)
def split_of(name: str) -> Split:
    """The split that a name says at either of its ends: `val_loss`, `Train-accuracy`, `loss_val`."""
    parts = [part for part in _PARTS.findall(name.lower().replace("_", " ")) if part not in _AVERAGES]
    return SPLIT_WORDS.get(parts[0], "") or SPLIT_WORDS.get(parts[-1], "") if parts else ""


def split_of_heading(line: str) -> Split:
    """The split of a line that says nothing else: `Test Error:`, `Validation:`."""
    found = _HEADING.fullmatch(line.strip()) if len(line) < 60 and line.rstrip().endswith(":") else None
    return SPLIT_WORDS.get(found[1].lower(), "") if found else ""


def is_split(name: str) -> bool:
    """Whether a name is that of a split and nothing else: of a speed (`Training: 95834 Tok/s`) it tells no metric."""
    return name.lower() in SPLIT_WORDS


@lru_cache(maxsize=4096)
def is_identity(name: str) -> bool:
    """Whether a number under this name tells things apart that are measured side by side."""
    words = name.lower().split()
    return bool(words) and words[-1] in _IDENTITIES


@lru_cache(maxsize=4096)
def is_process(name: str) -> bool:
    """Whether a number under this name tells which of several processes has printed the line."""
    words = name.lower().split()
    return bool(words) and words[-1] in _PROCESSES
