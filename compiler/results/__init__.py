"""Results of bench scripts: as data, as charts, and as a page."""
