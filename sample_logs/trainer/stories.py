"""English-like stories from a small grammar: text with the shares of articles that children's stories have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

NAMES = ("Tom", "Lily", "Ben", "Mia", "Sam", "Anna", "Max", "Lucy", "Tim", "Sue", "Leo", "Amy", "Jack", "Rose")
PLACES = ("park", "garden", "house", "forest", "school", "kitchen", "river", "market", "beach", "hill", "barn", "shop")
THINGS = ("ball", "apple", "book", "egg", "hat", "orange", "boat", "cake", "umbrella", "stone", "kite", "insect",
          "drum", "onion", "flower", "envelope", "box", "acorn", "leaf", "island map")  # fmt: skip
ANIMALS = ("dog", "cat", "owl", "bird", "elephant", "frog", "fox", "otter", "rabbit", "ant", "bear", "duck")
QUALITIES = ("big", "old", "red", "little", "angry", "happy", "shiny", "orange", "soft", "empty", "blue", "funny")
DEEDS = ("found", "saw", "wanted", "took", "liked", "lost", "dropped", "hid", "made", "carried")
FEELINGS = ("happy", "sad", "tired", "proud", "scared", "hungry", "curious", "angry")
WORDS = ("please help me", "look at this", "we should go home", "that is mine", "thank you so much", "do not be afraid")
ENDINGS = ("They went home together", "They became good friends", "Everyone laughed and played until dark",
           "They shared it and were very happy")  # fmt: skip


def story(rng: np.random.Generator) -> str:
    """One story of five to nine sentences; the same people and things come back in it."""
    hero, friend = rng.choice(NAMES, 2, replace=False)
    animal, thing, place = _one(rng, ANIMALS), _one(rng, THINGS), _one(rng, PLACES)
    quality, other = rng.choice(QUALITIES, 2, replace=False)
    opening = f"One day {hero} and {friend} went to the {place}."
    middle = (
        f"{hero} {_one(rng, DEEDS)} {_a(f'{quality} {thing}')} near the {_one(rng, THINGS)}.",
        f"Then {_a(f'{other} {animal}')} came and looked at {friend}.",
        f'"{_one(rng, WORDS).capitalize()}," said {friend} to the {animal}.',
        f"{friend} was {_one(rng, FEELINGS)} because {hero} {_one(rng, DEEDS)} the {thing}.",
        f"{hero} gave {_a(_one(rng, THINGS))} to {friend} and smiled.",
        f"The {animal} was very {_one(rng, FEELINGS)} and ran around {hero} and {friend}.",
        f"{hero} and {friend} did not know what to do with it, so they asked {_one(rng, NAMES)}.",
        f"{friend} said that {hero} was kind and should keep it.",
    )
    chosen = np.sort(rng.choice(len(middle), int(rng.integers(4, 8)), replace=False))
    return " ".join([opening, *(middle[i] for i in chosen), f"{_one(rng, ENDINGS)}."])


def _one(rng: np.random.Generator, words: Sequence[str]) -> str:
    # Like words of a language, the first of a list are the most frequent.
    weights = 1 / np.arange(1, len(words) + 1)
    return str(rng.choice(words, p=weights / weights.sum()))


def _a(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"
