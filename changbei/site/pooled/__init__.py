"""PostgreSQL through a pool of connections, as Django's own backend but for who has to wait for one."""
