"""Dashboards and alert rules for Grafana as code, written as files by one command.

Every name that is queried comes from `core/measures`. Nothing here reads a store or a site.
"""
