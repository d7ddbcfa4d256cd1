"""What `mpc explain` prints, by code."""

EXPLANATIONS: dict[str, str] = {}
