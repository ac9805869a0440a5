"""What pages show, gathered from the store: values, no markup but charts."""
