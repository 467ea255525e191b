"""Xporter's own behaviour: tokens, scopes, endpoints, change sets, webhooks and callbacks."""
