#!/bin/sh
# Makes what docker-compose.yml reads beside itself, and changes nothing that is there:
# .env with a key and a password for each role of the database; intake.env, router.env and sla.env for
# secrets.
set -eu
cd "$(dirname "$0")/.."
umask 077

random() {
    od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

make_file() {
    [ -e "$1" ] || cp "deploy/$2.env.example" "$1"
}

# A value that is there stays: the database knows its passwords from its first start.
fill() {
    if ! grep -q "^$1=." .env; then
        { grep -v "^$1=" .env || true; echo "$1=$(random)"; } > .env.new
        mv .env.new .env
    fi
}

make_file .env compose
make_file intake.env intake
make_file router.env router
make_file sla.env sla
for name in POSTGRES_PASSWORD POSTGRES_INTAKE_PASSWORD POSTGRES_ROUTER_PASSWORD \
    POSTGRES_SLA_PASSWORD DESK_API_KEY; do
    fill "$name"
done

for misplaced in $(grep -o -E '^DESK_(SECRET|PASSWORD|TOKEN|NOTIFY)_[A-Z0-9_]+' .env || true); do
    case $misplaced in
        DESK_SECRET_* | DESK_PASSWORD_* | DESK_TOKEN_*)
            echo "$misplaced in .env reaches nobody: move it to intake.env" >&2 ;;
        *) echo "$misplaced in .env reaches nobody: move it to sla.env, or router.env for ToDos" >&2 ;;
    esac
done
echo "ready; the first API key is DESK_API_KEY in .env"
