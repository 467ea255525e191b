"""The webhooks that Xporter holds for us."""
