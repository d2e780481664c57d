import Foundation

/// `Fixtures/node_worker.js`, with the `ws` that Debian packages.
final class NodeWorker {
    private let child: ChildProcess

    init(engine: EngineProcess) throws {
        let node = ["/usr/bin/node", "/usr/bin/nodejs"].first {
            FileManager.default.isExecutableFile(atPath: $0)
        }
        guard let node else { throw Failure("there is no node; scripts/setup installs it") }
        child = try ChildProcess(
            [node, "\(Project.fixtures)/node_worker.js", engine.url],
            label: "node",
            in: engine.scratch,
            // Where Debian's packages are, for a node that is not Debian's.
            environment: ["NODE_PATH": "/usr/share/nodejs"]
        )
    }

    /// The ids that the engine gave it, one a connection.
    var connections: [String] {
        child.output.split(separator: "\n").compactMap {
            $0.hasPrefix("first ") || $0.hasPrefix("again ") ? String($0.dropFirst(6)) : nil
        }
    }

    /// Messages that it did not expect.
    var others: [String] {
        child.output.split(separator: "\n").filter { $0.hasPrefix("other ") }.map(String.init)
    }

    /// - Throws: `Failure` with the worker's own errors when it is gone.
    func check() throws {
        guard child.isRunning else { throw Failure("the worker ended:\n\(child.errors)") }
    }
}
