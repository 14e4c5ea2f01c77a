"""The next day's lines from its orders: asked in the evening, planned by any worker, compared with the lines driven so
far, accepted by a dispatcher.

A question is a few compressed arrays, a hundred kilobytes a city. Workers on any host take one each, with a lease; one
that is lost leaves its question to the next, and an answer that comes after the lease was passed on is not written.
"""
