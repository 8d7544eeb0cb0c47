"""English-like stories from a small grammar: articles are 5-9 % of their tokens, and as hard to guess as in English.

A noun may come with an article, a possessive, a demonstrative or none, so that a model has to weigh them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

NAMES = ("Tom", "Lily", "Ben", "Mia", "Sam", "Anna", "Max", "Lucy", "Tim", "Sue", "Leo", "Amy", "Jack", "Rose")
ANIMALS = ("dog", "cat", "owl", "bird", "elephant", "frog", "fox", "otter", "rabbit", "ant", "bear", "duck")
THINGS = (
    *("ball", "apple", "book", "egg", "hat", "orange", "boat", "cake", "umbrella", "stone", "kite", "insect", "drum"),
    *("onion", "flower", "envelope", "box", "acorn", "leaf", "basket", "engine", "letter", "lamp", "oven", "spoon"),
)
PLACES = (
    "park",
    "garden",
    "house",
    "forest",
    "school",
    "kitchen",
    "river",
    "market",
    "beach",
    "hill",
    "barn",
    "island",
)
QUALITIES = ("big", "old", "red", "little", "angry", "happy", "shiny", "empty", "soft", "ugly", "blue", "funny")
DEEDS = ("found", "saw", "wanted", "took", "liked", "lost", "dropped", "hid", "made", "carried", "drew", "washed")
WAYS = ("near", "behind", "under", "beside", "with", "without", "for", "from")
FEELINGS = ("happy", "sad", "tired", "proud", "scared", "hungry", "curious", "angry")
DETERMINERS = ("the", "a", "his", "her", "that", "some", "my", "every", "another")
"""Most frequent first, as all lists here: words are drawn by Zipf's law."""
SAYINGS = (
    "please help me",
    "look at this",
    "we should go home",
    "that is mine",
    "thank you so much",
    "do not be afraid",
)


def story(rng: np.random.Generator) -> str:
    """One story of five to nine sentences; the same people come back in it."""
    people = tuple(rng.choice(NAMES, 2, replace=False).tolist())

    def one(words: Sequence[str]) -> str:
        weights = 1 / np.arange(1, len(words) + 1)
        return str(rng.choice(words, p=weights / weights.sum()))

    def noun(words: Sequence[str]) -> str:
        described = f"{one(QUALITIES)} {one(words)}" if rng.random() < 0.4 else one(words)
        determiner = one(DETERMINERS)
        return f"{'an' if determiner == 'a' and described[0] in 'aeiou' else determiner} {described}"

    def who() -> str:
        return str(rng.choice(people)) if rng.random() < 0.7 else noun(ANIMALS)

    sentences: tuple[Callable[[], str], ...] = (
        lambda: f"{who()} {one(DEEDS)} {noun(THINGS)}.",
        lambda: f"{who()} {one(DEEDS)} {noun(THINGS)} {one(WAYS)} {noun(PLACES)}.",
        lambda: f"{who()} went to {noun(PLACES)} with {who()}.",
        lambda: f"{who()} was {one(FEELINGS)} because {who()} {one(DEEDS)} {noun(THINGS)}.",
        lambda: f"{who()} gave {noun(THINGS)} to {who()}.",
        lambda: f'"{one(SAYINGS).capitalize()}," said {who()}.',
    )
    middle = (sentences[int(rng.integers(len(sentences)))]() for _ in range(int(rng.integers(4, 8))))
    text = " ".join(
        [f"One day {people[0]} and {people[1]} went to {noun(PLACES)}.", *middle, "They went home together."]
    )
    return text.replace(". the ", ". The ").replace(". a", ". A")
