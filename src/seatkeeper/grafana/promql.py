"""PromQL for the dashboards and rules; names and labels are taken from `core/measures`."""

from __future__ import annotations

from seatkeeper.core.measures import LICENSE_TYPE, METRICS, SITE
from seatkeeper.grafana.spec import Query

LABELS = {metric.name: metric.labels for metric in METRICS}


def metric(name: str, *, chosen: bool = True, **labels: str) -> str:
    """Return a selector; `chosen` adds the dashboard's sites and license types.

    Raises KeyError for a metric or label that nobody exposes.
    """
    known = LABELS[name]
    parts = [f'{label}=~"${label}"' for label in (SITE, LICENSE_TYPE) if chosen and label in known]
    for label, value in labels.items():
        if label not in known:
            raise KeyError(f"{name} has no label {label}")
        parts.append(f"{label}{value}" if value.startswith(("=", "!")) else f'{label}="{value}"')
    return f"{name}{{{', '.join(parts)}}}" if parts else name


def any_of(*names: str) -> str:
    """Return a selector of every series of these metrics; KeyError for one that nobody exposes."""
    known = [name for name in names if LABELS[name]]
    return f'{{__name__=~"{"|".join(known)}"}}'


def seats(state: str, *, chosen: bool = True) -> str:
    """Return the seats in a state."""
    return metric("qlik_license_seats", chosen=chosen, state=state)


def series(text: str, legend: str = f"{{{SITE}}} {{{LICENSE_TYPE}}}") -> Query:
    """Return a value over time."""
    return Query(text, legend)


def newest(text: str, legend: str = f"{{{SITE}}} {{{LICENSE_TYPE}}}") -> Query:
    """Return the newest value."""
    return Query(text, legend, now=True)


def capacity(state: str, *, chosen: bool = True) -> str:
    """Return the seconds of Analyzer Capacity in a state."""
    return metric("qlik_license_capacity_seconds", chosen=chosen, state=state)


def column(state: str) -> str:
    """Return seats in a state without the labels that would keep a table from joining."""
    return f"sum by ({SITE}, {LICENSE_TYPE}) ({seats(state)})"


def tokens(state: str) -> str:
    """Return tokens in a state; the variable license_type knows what has seats or a price."""
    return metric("qlik_license_tokens", chosen=False, site=f'=~"${SITE}"', state=state)


def days_valid(*, chosen: bool = True) -> str:
    """Return the whole days to the last valid day of the server license, negative after it."""
    expiry = metric("qlik_license_expiry_timestamp_seconds", chosen=chosen)
    return f"floor(({expiry} - time()) / 86400)"


def success(job: str, *, chosen: bool = True) -> str:
    """Return when a job last succeeded.

    A scrape without `honor_labels` puts its own job in the place of ours and calls ours
    `exported_job`; both are asked, or a missing line in a configuration would silence an alert.
    """
    ours = metric("qlik_license_last_success_timestamp_seconds", chosen=chosen, job=job)
    return f"({ours} or {ours.replace('job=', 'exported_job=')})"
