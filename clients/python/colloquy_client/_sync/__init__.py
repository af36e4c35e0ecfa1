"""The client; its asynchronous form is the one that is written by hand."""
