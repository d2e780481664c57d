import JSON
import Primitives

/// What `/healthz`, `/readyz` and `/api/status` say.
enum StatusText {
    static let health = named("ok")
    static let ready = named("ready")
    static let storageFull = named("storage_full")
    static let stopping = named("stopping")

    static func recovering(_ fraction: Double) -> JSONText {
        let progress = (fraction * 1000).rounded() / 1000
        return JSONValue.object(
            ["status": .string("recovering"), "progress": .number(.double(progress))]
        ).text
    }

    private static func named(_ status: String) -> JSONText {
        JSONValue.object(["status": .string(status)]).text
    }

    static func status(_ facts: DashboardFacts, isReadOnly: Bool, now: Timestamp) -> JSONText {
        let uptime = facts.started.distance(to: now).nanoseconds / 1_000_000_000
        var json = JSONBuilder()
        json.beginObject()
        json.key("version")
        json.string(facts.version)
        json.key("started_at_ms")
        json.integer(facts.started.nanoseconds / 1_000_000)
        json.key("uptime_s")
        json.integer(uptime)
        json.key("data")
        json.string(facts.data)
        json.key("durability")
        json.string(facts.durability)
        json.key("read_only")
        json.bool(isReadOnly)
        json.key("addresses")
        json.beginObject()
        for (name, address) in facts.addresses {
            json.key(name)
            json.string(address)
        }
        json.endObject()
        json.key("recovery")
        json.raw(facts.recovery)
        json.key("settings")
        json.raw(facts.settings.inForce)
        json.key("settings_pending")
        json.beginArray()
        for setting in facts.settings.pending { json.string(setting) }
        json.endArray()
        json.key("config_last_reload_successful")
        json.bool(facts.settings.isTaken)
        json.endObject()
        return json.finish()
    }
}
