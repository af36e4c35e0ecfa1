"""The gunicorn worker that makes Colloquy safe without a proxy in front of it.

gunicorn's threaded worker (gthread) gives a connection a thread from the first byte of a request to its
last, so that as many slow clients as there are threads make everybody wait; and its threads compete for
Python's interpreter lock. Here one thread, the leader (see ``waiting``), waits for all clients, reads what
they send without blocking, and answers a request when its head and the beginning of its body have come.

Measured on 27 November 2026 with 2 workers of 8 threads and 32 connections, beside gthread:

    CPU time of a GET            209 to 228 us    258 to 335 us
    CPU time of an append        540 to 780 us    660 to 870 us
    99 of 100 answered within    18 ms            39 ms
    64 half-sent bodies          no effect        nobody is answered

Granian took 167 and 532 us; half-sent bodies block it as well.

The worker builds on the insides of gunicorn 27. With another release ``cli/gunicorn_config.py`` chooses
gthread and logs a warning; a proxy that buffers requests then belongs in front.
``tests/unit/test_gunicorn.py`` lists what the worker takes from gunicorn.

Nothing imports the worker: gunicorn is given its name. ``colloquy serve`` tries certificates here first.
"""
