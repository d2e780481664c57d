import AccessControl
import Engine
import Glibc
import NIOCore
import NIOPosix
import NetServer
import Primitives

/// The sockets that the engine listens on. Opened last, and closed first.
struct Listeners {
    /// In the order of ``Configuration/allWorkerListeners``; never empty.
    let workers: [Listener]
    let http: Listener
    let stream: Listener
    /// Open before the others; nil: there is no dashboard.
    let dashboard: Listener?
    /// What peers beyond this machine must present; nil: they are refused.
    let token: String?

    /// - Throws: naming the address and the setting that changes it.
    static func open(
        _ configuration: Configuration,
        _ dashboard: Listener?,
        _ descriptors: Descriptors,
        _ edges: Edges,
        _ group: MultiThreadedEventLoopGroup,
        _ report: Report
    ) async throws(ServeError) -> Listeners {
        let found = try Token.forPeers(of: configuration, report: report)
        let token = found?.text
        var workers: [Listener] = []
        do throws(ServeError) {
            for (number, one) in configuration.allWorkerListeners.enumerated() {
                let part = descriptors.workers[number]
                workers.append(try await open(one, number, part, token, edges, group))
            }
            let loops = group.makeIterator().reduce(0) { count, _ in count + 1 }
            let settings = HTTPSettings(configuration.http, descriptors.http, loops: loops)
            let identity = try TLSIdentity(configuration.http, report)
            let http: Listener
            do throws(ListenerError) {
                http = try await Listener.http(
                    on: configuration.http.address,
                    group: group,
                    settings: settings,
                    identity: identity,
                    makeService: { edges.httpService(on: $0) }
                )
            } catch {
                throw ServeError(error, setting: "http.address")
            }
            do throws(ServeError) {
                let part = descriptors.stream
                let stream = try await open(configuration.stream, part, token, edges, group)
                if let token, let path = found?.made { report.token(token, path: path) }
                return Listeners(
                    workers: workers,
                    http: http,
                    stream: stream,
                    dashboard: dashboard,
                    token: token
                )
            } catch {
                await http.close(grace: .zero)
                throw error
            }
        } catch {
            for listener in workers { await listener.close(grace: .zero) }
            // Nobody was told of it: the next start makes another one.
            if let path = found?.made { unlink(path) }
            throw error
        }
    }

    private static func open(
        _ one: Configuration.WorkerListener,
        _ number: Int,
        _ descriptors: Descriptors.Part,
        _ token: String?,
        _ edges: Edges,
        _ group: MultiThreadedEventLoopGroup
    ) async throws(ServeError) -> Listener {
        let isTrusted = one.access.rules.isTrusted
        let policy = AccessPolicy(
            token: token,
            // Who an auth function is asked about need not know the engine's own token.
            asksForToken: one.access.rbac?.authentication == nil,
            origins: one.access.origins
        )
        var settings = WebSocketSettings(descriptors)
        settings.closeDeadline = .seconds(2)
        settings.outboundBytes = Limits.unreadBytesMax
        settings.handshakeDeadline = .nanoseconds(one.access.handshakeTimeout.nanoseconds)
        do throws(ListenerError) {
            return try await Listener.webSocket(
                on: one.address,
                group: group,
                settings: settings
            ) { request in
                let access = policy.check(
                    remoteAddress: request.remoteAddress,
                    headers: request.headers,
                    query: request.query
                )
                switch access {
                case .allowed:
                    return edges.route(request, listener: number, isTrusted: isTrusted)
                case .refused(let status, let reason):
                    return .refuse(status: status, body: reason + "\n")
                }
            }
        } catch {
            let setting = number == 0 ? "engine" : "worker_listener[\(number - 1)]"
            throw ServeError(error, setting: "\(setting).address")
        }
    }

    private static func open(
        _ streams: Configuration.Stream,
        _ descriptors: Descriptors.Part,
        _ token: String?,
        _ edges: Edges,
        _ group: MultiThreadedEventLoopGroup
    ) async throws(ServeError) -> Listener {
        let policy = AccessPolicy(token: token, origins: streams.origins)
        var settings = WebSocketSettings(descriptors)
        settings.closeDeadline = .seconds(2)
        // Requests are small; what is pushed and not taken is kept once for all, not here.
        settings.messageBytes = 64 << 10
        settings.waterMarks = (low: 16 << 10, high: 64 << 10)
        do throws(ListenerError) {
            return try await Listener.webSocket(
                on: streams.address,
                group: group,
                settings: settings
            ) { request in
                switch policy.check(
                    remoteAddress: request.remoteAddress,
                    headers: request.headers,
                    query: request.query,
                    isPreflight: request.isPreflight
                ) {
                case .allowed: edges.streamRoute(request)
                case .refused(let status, let reason):
                    .refuse(status: status, body: reason + "\n")
                }
            }
        } catch {
            throw ServeError(error, setting: "stream.address")
        }
    }

    /// What is listened on, by the names of the ports file: of those for workers the engine's own.
    var addresses: [(name: String, address: String)] {
        var addresses = [
            (name: "worker", address: "\(workers[0].address)"),
            (name: "http", address: "\(http.address)"),
            (name: "stream", address: "\(stream.address)"),
        ]
        if let dashboard { addresses.append(("dashboard", "\(dashboard.address)")) }
        return addresses
    }

    /// The same as a table.
    var addressTable: [String: String] {
        Dictionary(addresses.map { ($0.name, $0.address) }) { first, _ in first }
    }

    /// Where a program on this machine reaches the engine's own listener for workers.
    func localAddress(_ configuration: Configuration) -> ListenAddress {
        let address = configuration.engine.address
        var local = ListenAddress(host: address.host, port: workers[0].address.port)
        switch address.host {
        case "0.0.0.0": local.host = "127.0.0.1"
        case "::": local.host = "::1"
        default: break
        }
        return local
    }

    /// Where a worker on this machine connects. One that comes to an address of the network is
    /// asked for the token, too.
    func workerURL(_ configuration: Configuration) -> String {
        let local = localAddress(configuration)
        guard !local.isLoopback, let token else { return "ws://\(local)" }
        return "ws://\(local)/?token=\(token)"
    }

    /// How to start a worker here and, where those of other machines are asked for the token, how
    /// they show it. Does not tell the token.
    func nextStep(_ configuration: Configuration) -> String {
        let local = localAddress(configuration)
        let engine = configuration.engine
        let asksForToken =
            token != nil && !engine.address.isLoopback && engine.access.rbac?.authentication == nil
        guard asksForToken else { return "next: III_URL=ws://\(local) python3 worker.py" }
        guard local.isLoopback else {
            return "next: III_URL='ws://\(local)/?token=TOKEN' python3 worker.py"
        }
        return """
            next: III_URL=ws://\(local) python3 worker.py
            workers on other machines: III_URL='ws://HOST:\(local.port)/?token=TOKEN'
            """
    }

    /// Writes the ports file; nil: there is to be none.
    ///
    /// - Throws: where it cannot be written; all that was opened is closed then.
    func publishPorts(in path: String?, _ report: Report) async throws(ServeError) {
        guard let path else { return }
        do throws(ServeError) {
            if let warning = try PortsFile.write(ports, to: path) { report.notice(warning) }
        } catch {
            await stopAccepting()
            await close()
            throw error
        }
    }

    /// The text of the ports file.
    private var ports: String {
        let others = workers.dropFirst().map { String($0.port) }.joined(separator: ",")
        let page = dashboard.map { "\"dashboard\":\($0.port)," } ?? ""
        return "{\"worker\":\(workers[0].port),\"http\":\(http.port),\"stream\":\(stream.port),"
            + "\(page)\"worker_listeners\":[\(others)]}\n"
    }

    func stopAccepting() async {
        for worker in workers { await worker.stopAccepting() }
        await stream.stopAccepting()
        // Whoever is answered from now on is told that the connection ends.
        await http.stopKeepingConnections()
    }

    /// Workers are told 1012: every SDK connects again after it (protocol 1.4).
    func close() async {
        await dashboard?.close(grace: .seconds(1))
        await http.close(grace: .seconds(2))
        await stream.close(code: 1012, grace: .seconds(2))
        // Those that are registering at this moment get longer than the others.
        for worker in workers { await worker.close(code: 1012, grace: .seconds(5)) }
    }
}

extension TLSIdentity {
    /// Nil where the configuration names none.
    fileprivate convenience init?(
        _ configuration: Configuration.HTTP,
        _ report: Report
    ) throws(ServeError) {
        guard let certificate = configuration.tlsCertificate, let key = configuration.tlsKey else {
            return nil
        }
        do throws(TLSIdentityError) {
            try self.init(certificate: certificate, key: key) { change in
                switch change {
                case .renewed(let path):
                    report.notice(Notice(severity: .info, text: "TLS: \(path) was read anew"))
                case .failed(let error):
                    let text = "TLS: changed files cannot be used, the old ones are: \(error)"
                    report.notice(Notice(severity: .error, text: text))
                }
            }
        } catch {
            throw ServeError(
                .configuration,
                code: "http.tls_certificate",
                message: "cannot serve HTTP over TLS with \(error)"
            )
        }
    }
}

extension WebSocketSettings {
    fileprivate init(_ descriptors: Descriptors.Part) {
        self.init()
        maximumConnections = descriptors.most
        self.descriptors = descriptors.share
    }
}

extension HTTPSettings {
    fileprivate init(
        _ configuration: Configuration.HTTP,
        _ descriptors: Descriptors.Part,
        loops: Int
    ) {
        self.init()
        maximumConnections = descriptors.most
        self.descriptors = descriptors.share
        headerDeadline = .nanoseconds(configuration.headerTimeout.nanoseconds)
        idleTimeout = .nanoseconds(configuration.idleTimeout.nanoseconds)
        bodyIdle = .nanoseconds(configuration.bodyTimeout.nanoseconds)
        headerBytes = configuration.headerLimit
        headerCount = Int(configuration.headerCount)
        bodyBytes = configuration.bodyLimit
        loopBodyBytes = max(configuration.bodyLimit, configuration.bodyMemory / loops)
    }
}
