package import JSON
package import Primitives
import Synchronization

/// What there is to know about this life of the engine, once it is ready.
package struct DashboardFacts: Sendable {
    package var version: String
    package var started: Timestamp
    /// The data directory.
    package var data: String
    /// As configured: `sync`, `interval:50ms`.
    package var durability: String
    /// What the engine listens on, by the names of the ports file.
    package var addresses: [(name: String, address: String)]
    /// What the start found in the log.
    package var recovery: JSONText
    package var settings: DashboardSettings

    package init(
        version: String,
        started: Timestamp,
        data: String,
        durability: String,
        addresses: [(name: String, address: String)],
        recovery: JSONText,
        settings: DashboardSettings
    ) {
        self.version = version
        self.started = started
        self.data = data
        self.durability = durability
        self.addresses = addresses
        self.recovery = recovery
        self.settings = settings
    }
}

/// What is known of the configuration, which may be read again while the engine runs.
package struct DashboardSettings: Sendable {
    /// Those in force, secrets redacted.
    package var inForce: JSONText
    /// Those of the file that wait for a restart, as they are told.
    package var pending: [String] = []
    /// Whether the file could be taken when it was read last.
    package var isTaken = true
    /// When it was read last and could be taken.
    package var takenAt: Timestamp

    package init(inForce: JSONText, takenAt: Timestamp) {
        self.inForce = inForce
        self.takenAt = takenAt
    }
}

/// How far the engine is: the dashboard listens before it is ready. Any thread.
package final class DashboardStage: Sendable {
    enum Stage {
        /// How much of the log was read, from 0 to 1.
        case recovering(Double)
        case ready(DashboardFacts)
        case stopping
    }

    private struct State {
        var stage = Stage.recovering(0)
        var facts: DashboardFacts?
        var access: DashboardAccess
    }

    private let hosts: [String]
    private let cookieName: String
    private let cookieValue: String
    private let state: Mutex<State>

    /// Until the engine is ready nobody beyond this machine is let in.
    ///
    /// - Parameter hosts: as for ``DashboardAccess``.
    package init(hosts: [String]) {
        var entropy = SystemEntropy()
        cookieName = "iii-" + hexadecimal(entropy.next())
        cookieValue = hexadecimal(entropy.next()) + hexadecimal(entropy.next())
        self.hosts = hosts
        let access = DashboardAccess(
            token: nil,
            hosts: hosts,
            cookieName: cookieName,
            cookieValue: cookieValue
        )
        state = Mutex(State(access: access))
    }

    /// - Parameter fraction: how much of what a start reads was read, from 0 to 1.
    package func recovered(_ fraction: Double) {
        state.withLock { state in
            if case .recovering = state.stage { state.stage = .recovering(fraction) }
        }
    }

    /// `token` is what peers beyond this machine must present; nil: they are refused.
    package func ready(_ facts: DashboardFacts, token: String?) {
        let access = DashboardAccess(
            token: token,
            hosts: hosts,
            cookieName: cookieName,
            cookieValue: cookieValue
        )
        state.withLock { state in
            state.stage = .ready(facts)
            state.facts = facts
            state.access = access
        }
    }

    /// The configuration was read again; once the engine is ready.
    package func configured(_ change: (inout DashboardSettings) -> Void) {
        state.withLock { state in
            guard var facts = state.facts else { return }
            change(&facts.settings)
            state.facts = facts
            if case .ready = state.stage { state.stage = .ready(facts) }
        }
    }

    package func stopping() { state.withLock { $0.stage = .stopping } }

    var stage: Stage { state.withLock { $0.stage } }
    /// Nil: the engine has not been ready yet.
    var facts: DashboardFacts? { state.withLock { $0.facts } }
    var access: DashboardAccess { state.withLock { $0.access } }
}
