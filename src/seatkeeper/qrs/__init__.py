"""The door to Qlik: everything that knows an address, a header or a field name of QRS."""
