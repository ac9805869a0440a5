"""A simulated Qlik Sense site, and test double, with no knowledge of the product around it."""
