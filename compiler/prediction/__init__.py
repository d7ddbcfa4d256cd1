"""Predictions for a Lab: the paths of its packets, reachability, and the rates of transfers.

Changes no Lab.
"""
