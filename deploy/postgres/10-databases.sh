#!/bin/sh
# Runs once, when the volume is new: a database and an owner for each service, so that none can
# read another's tables.
set -eu

make_database() {
    psql --set ON_ERROR_STOP=1 --username postgres --dbname postgres \
        --set service="$1" --set password="$2" <<'SQL'
CREATE ROLE :"service" LOGIN PASSWORD :'password';
CREATE DATABASE :"service" OWNER :"service" ENCODING 'UTF8' TEMPLATE template0;
REVOKE CONNECT ON DATABASE :"service" FROM PUBLIC;
SQL
}

make_database intake "$POSTGRES_INTAKE_PASSWORD"
make_database router "$POSTGRES_ROUTER_PASSWORD"
make_database sla "$POSTGRES_SLA_PASSWORD"
