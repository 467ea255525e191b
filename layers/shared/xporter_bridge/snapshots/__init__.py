"""How rows are stored: ordered, compressed, merged and published."""
