import Glibc
import NIOCore
import NIOPosix
import NetServer

/// The sockets that the engine listens on. Opened last, and closed first.
struct Listeners {
    let worker: Listener
    let http: Listener

    /// - Throws: naming the address and the setting that changes it.
    static func open(
        _ configuration: Configuration,
        edges: Edges,
        group: MultiThreadedEventLoopGroup,
        report: Report
    ) async throws(ServeError) -> Listeners {
        let policy = AccessPolicy(token: try Token.forPeers(of: configuration, report: report))
        let worker: Listener
        do throws(ListenerError) {
            var settings = WebSocketSettings()
            settings.closeDeadline = .seconds(2)
            worker = try await Listener.webSocket(
                on: ListenAddress(configuration.engine.address),
                group: group,
                settings: settings
            ) { request in
                let access = policy.check(
                    remoteAddress: request.remoteAddress,
                    headers: request.headers,
                    query: request.query
                )
                switch access {
                case .allowed: return edges.route(request)
                case .refused(let status, let reason):
                    return .refuse(status: status, body: reason + "\n")
                }
            }
        } catch {
            throw ServeError(error, setting: "engine.address")
        }
        do throws(ListenerError) {
            var settings = HTTPSettings()
            settings.bodyBytes = configuration.http.bodyLimit
            let http = try await Listener.http(
                on: ListenAddress(configuration.http.address),
                group: group,
                settings: settings,
                makeService: { edges.httpService(on: $0) }
            )
            return Listeners(worker: worker, http: http)
        } catch {
            await worker.close(grace: .zero)
            throw ServeError(error, setting: "http.address")
        }
    }

    /// Written beside and renamed, so that whoever waits for the file finds it whole.
    func writePorts(to path: String?) throws(ServeError) {
        guard let path else { return }
        let text = "{\"worker\":\(worker.port),\"http\":\(http.port)}\n"
        let temporary = "\(path).tmp"
        let file = Glibc.open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        let bytes = Array(text.utf8)
        let isWritten = file >= 0 && Glibc.write(file, bytes, bytes.count) == bytes.count
        let problem = errno
        if file >= 0 { Glibc.close(file) }
        guard isWritten, rename(temporary, path) == 0 else {
            throw ServeError(
                .configuration,
                code: "ports_file",
                message: "cannot write the ports file \(path): "
                    + String(cString: strerror(problem))
            )
        }
    }

    func stopAccepting() async {
        await worker.stopAccepting()
        await http.stopAccepting()
    }

    /// Workers are told 1012: every SDK connects again after it (protocol 1.4).
    func close() async {
        await http.close(grace: .seconds(2))
        // Those that are registering at this moment get longer than the others.
        await worker.close(code: 1012, grace: .seconds(5))
    }
}

extension ListenAddress {
    fileprivate init(_ address: Configuration.Address) {
        self.init(host: address.host, port: Int(address.port))
    }
}
