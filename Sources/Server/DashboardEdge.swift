import CommitLog
import Dashboard
import JSON
import NIOCore
import NIOPosix
import NetServer
import Primitives

/// The dashboard's socket, and what it is told of the rest of the engine.
///
/// It listens before the log is read, so that whoever waits can ask how far that is.
struct DashboardEdge: Sendable {
    let system: DashboardSystem
    private let settings: Configuration.Observability
    private let files: DashboardFiles

    init(
        _ configuration: Configuration,
        _ stage: DashboardStage,
        _ follower: LogFollower,
        _ processes: ProcessBoard
    ) throws(ServeError) {
        settings = configuration.observability
        files = try DashboardFiles(path: configuration.engine.data, tail: follower.tail)
        system = DashboardSystem(
            stage: stage,
            isReadOnly: settings.dashboardReadOnly,
            version: Server.version,
            sources: DashboardSources(
                followed: follower.log,
                processes: processes,
                ask: files.ask,
                lookAtHost: files.lookAtHost
            )
        )
    }

    /// - Returns: nil where there is to be none. A failure is for later: that the data directory
    ///   is in use says more of a second engine than that its port is.
    func listen(
        _ descriptors: Descriptors.Part,
        edges: Edges,
        group: MultiThreadedEventLoopGroup
    ) async -> Result<Listener?, ServeError> {
        guard settings.dashboard else { return .success(nil) }
        var limits = HTTPSettings()
        limits.maximumConnections = descriptors.most
        limits.descriptors = descriptors.share
        limits.loopBodyBytes = 64 << 20
        limits.allowsUpgrade = true
        do throws(ListenerError) {
            return .success(
                try await Listener.http(
                    on: settings.dashboardAddress,
                    group: group,
                    settings: limits,
                    makeService: { edges.dashboardService(on: $0) }
                )
            )
        } catch {
            return .failure(ServeError(error, setting: "observability.dashboard_address"))
        }
    }

    /// The engine answers from now on.
    func ready(
        _ loaded: Configuration.Loaded,
        _ recovery: RecoveryReport,
        _ listeners: Listeners
    ) {
        files.opened(listeners)
        let now = SystemClock().now().wall
        system.stage.ready(
            DashboardFacts(
                version: Server.version,
                started: now,
                data: loaded.configuration.engine.data,
                durability: loaded.configuration.engine.durability.text,
                addresses: listeners.addresses,
                recovery: recovery.json,
                settings: DashboardSettings(
                    inForce: Self.settings(loaded.configuration),
                    takenAt: now
                )
            ),
            token: listeners.token
        )
    }

    /// Tells what came of reading the configuration again.
    func configure(_ outcome: ConfigurationWatch.Outcome) {
        let inForce = Self.settings(outcome.inForce)
        let now = SystemClock().now().wall
        system.stage.configured { settings in
            settings.inForce = inForce
            settings.pending = outcome.pending
            settings.isTaken = outcome.isTaken
            if outcome.isTaken { settings.takenAt = now }
        }
    }

    private static func settings(_ configuration: Configuration) -> JSONText {
        var json = JSONBuilder()
        json.beginObject()
        for setting in configuration.effective() {
            json.key(setting.key)
            json.raw(setting.json)
        }
        json.endObject()
        return json.finish()
    }
}
