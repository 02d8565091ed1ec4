"""Philox4x64-10 in tensor operations, for devices on which nobody else computes it.

A 64-bit word is a pair of int64 tensors that hold its upper and lower 32 bits: int64 products wrap, but their 32-bit
halves are right, so the 128-bit products are put together by hand.
"""

from typing import TypeAlias

import torch

from varlaw.impl.keyed_streams import MULTIPLIERS, ROUNDS, WEYL

Word: TypeAlias = tuple[torch.Tensor, torch.Tensor]

LOW = 0xFFFFFFFF


def words_of(key: tuple[int, int], index: torch.Tensor) -> Word:
    """The words of a stream at these indices, int64 tensors in [0, 2**64): upper and lower halves."""
    counter = torch.div(index, 4, rounding_mode="floor") + 1
    zero = torch.zeros_like(counter)
    state = [(_upper(counter), counter & LOW), (zero, zero), (zero, zero), (zero, zero)]
    keys = list(key)
    for step in range(ROUNDS):
        if step:
            keys = [(k + w) & (2**64 - 1) for k, w in zip(keys, WEYL, strict=True)]
        state = _round(state, keys)
    lane = index & 3
    high, low = state[0]
    for number in (1, 2, 3):
        high = torch.where(lane == number, state[number][0], high)
        low = torch.where(lane == number, state[number][1], low)
    return high, low


def _round(state: list[Word], keys: list[int]) -> list[Word]:
    first_high, first_low = _product(state[0], MULTIPLIERS[0])
    second_high, second_low = _product(state[2], MULTIPLIERS[1])
    return [
        _mixed(second_high, state[1], keys[0]),
        second_low,
        _mixed(first_high, state[3], keys[1]),
        first_low,
    ]


def _mixed(a: Word, b: Word, key: int) -> Word:
    return a[0] ^ b[0] ^ (key >> 32), a[1] ^ b[1] ^ (key & LOW)


def _product(word: Word, by: int) -> tuple[Word, Word]:
    """The upper and lower 64 bits of word * by."""
    high, low = by >> 32, by & LOW
    ll, lh, hl, hh = word[1] * low, word[1] * high, word[0] * low, word[0] * high
    middle = _upper(ll) + (lh & LOW) + (hl & LOW)
    above = _upper(lh) + _upper(hl) + (hh & LOW) + (middle >> 32)
    return (_upper(hh) + (above >> 32), above & LOW), (middle & LOW, ll & LOW)


def _upper(x: torch.Tensor) -> torch.Tensor:
    return (x >> 32) & LOW  # the arithmetic shift copies the sign, which is not wanted
