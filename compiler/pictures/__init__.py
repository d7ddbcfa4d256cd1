"""Pictures of a lab: as DOT, Mermaid, SVG, a page and JSON."""
