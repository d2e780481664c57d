# What `run` and `demo` share. Sourced; the caller stands in the checkout.

worker_sdk=0.25.0

build_release() {
    echo "building (release) …"
    bin=$(scripts/release iii iii-log)
}

# wait_until SECONDS WHAT COMMAND…: until the command succeeds.
wait_until() {
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        if [ $SECONDS -ge $deadline ]; then
            echo "gave up waiting for $what" >&2
            return 1
        fi
        sleep 0.1
    done
}

# start_engine DATA ARGUMENTS…: sets engine_pid, worker_port and http_port once it listens.
start_engine() {
    local data=$1
    shift
    local ports
    ports=$(mktemp -u)
    "$bin/iii" serve --data "$data" --ports-file "$ports" "$@" &
    engine_pid=$!
    if ! wait_until 30 "the engine" engine_is_up_or_gone "$ports" || [ ! -e "$ports" ]; then
        wait "$engine_pid"
        return $?
    fi
    worker_port=$(sed 's/.*"worker":\([0-9]*\).*/\1/' "$ports")
    http_port=$(sed 's/.*"http":\([0-9]*\).*/\1/' "$ports")
    rm -f "$ports"
}

engine_is_up_or_gone() { [ -e "$1" ] || ! kill -0 "$engine_pid" 2>/dev/null; }

# start_worker: the hello worker with the public SDK in a venv of its own; sets worker_pid.
start_worker() {
    local python
    python=$(scripts/venv $worker_sdk)
    III_URL="ws://127.0.0.1:$worker_port" "$python" -W ignore data/samples/hello/worker.py \
        >"${worker_log:-/dev/stderr}" 2>&1 &
    worker_pid=$!
    wait_until 30 "the hello worker" curl -sf "http://127.0.0.1:$http_port/hello"
}

stop_all() {
    [ -z "${worker_pid:-}" ] || kill "$worker_pid" 2>/dev/null || true
    [ -z "${engine_pid:-}" ] || kill "$engine_pid" 2>/dev/null || true
    wait 2>/dev/null || true
}
