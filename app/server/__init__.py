"""The gunicorn worker: sockets, buffers, HTTP/1.1 to WSGI and back."""
