"""Writes the editable ``dashboards/fleet.yaml`` into ``template.yaml``."""
