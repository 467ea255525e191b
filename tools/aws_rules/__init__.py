"""The requests that AWS refuses, according to its service models and its documentation.

moto and MiniStack accept much of what AWS does not. The tests hold every call that they see
against these rules, and the local stack refuses what breaks one (docs/emulators.md).
"""
