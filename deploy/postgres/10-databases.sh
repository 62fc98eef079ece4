#!/bin/sh
# Runs once, when the volume is new: a database and an owner for each service, so that none can
# read another's tables.
set -eu

for service in intake router sla; do
    psql --set ON_ERROR_STOP=1 --username postgres --dbname postgres \
        --set service="$service" --set password="$POSTGRES_PASSWORD" <<'SQL'
CREATE ROLE :"service" LOGIN PASSWORD :'password';
CREATE DATABASE :"service" OWNER :"service" ENCODING 'UTF8' TEMPLATE template0;
REVOKE CONNECT ON DATABASE :"service" FROM PUBLIC;
SQL
done
