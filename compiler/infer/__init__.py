"""Passes: each takes a Lab and gives back one with more decided.

Knows neither statements nor commands.
"""
