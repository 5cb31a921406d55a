"""Jobs over many proteins."""
