"""Writes the editable files of ``dashboards`` into ``template.yaml``."""
