import CommitLog
import Disk
import Glibc
import LogTools
import NetServer
import Primitives

/// Why the engine did not start, or not stop in order, for an operator to act on.
package struct ServeError: Error, Equatable, Sendable {
    /// What kind of thing is wrong: decides the exit status.
    package enum Kind: Equatable, Sendable {
        /// A setting, or what it names.
        case configuration
        case dataInUse
        case dataDamaged
        case storage
    }

    package let kind: Kind
    /// A stable name, such as `log.damaged`.
    package let code: String
    package let message: String

    package init(_ kind: Kind, code: String, message: String) {
        self.kind = kind
        self.code = code
        self.message = message
    }

    /// What became of a log in the directory `data`.
    init(_ error: LogError, data: String) {
        switch error {
        case .damaged(let damages):
            let misplacement = Misplacement(of: damages, in: data)
            let way = misplacement.map { "To repair it: \($0.advice)." } ?? Self.wayOut(of: data)
            self.init(
                .dataDamaged,
                code: "log.damaged",
                message: "\(error)\nNothing was changed. \(way)"
            )
        case .undecodable:
            self.init(
                .dataDamaged,
                code: "log.undecodable",
                message: "\(error)\nNothing was changed. "
                    + "`\(ToolCommand.text("verify --semantic", on: data))` lists all such records."
            )
        case .refused:
            self.init(
                .configuration,
                code: "data.not_ours",
                message: "\(error)\nNothing was touched. Give another directory with --data, or "
                    + "use the version of the engine that wrote this one."
            )
        case .storage(.system("read", _, _)) where error.isOfMedium:
            self.init(
                .storage,
                code: "log.storage",
                message: "\(error)\nThe disk does not give what it holds there; nothing was "
                    + "changed. \(Self.wayOut(of: data))"
            )
        case .storage(let error): self.init(error)
        case .full, .recordTooLarge:
            self.init(.storage, code: "log.refused", message: "\(error)")
        }
    }

    /// What can be done about a log that is not whole.
    private static func wayOut(of data: String) -> String {
        func tool(_ verb: String) -> String { ToolCommand.text(verb, on: data) }
        return "`\(tool("verify"))` lists every damage; `\(tool("repair --dry-run"))` tells what a "
            + "repair in place would cost, and how it is done; "
            + "`\(tool("recover --to DIRECTORY"))` takes every intact record into a new "
            + "directory. Or restore a backup in place of this one."
    }

    init(_ error: StorageError) {
        switch error {
        case .locked:
            self.init(
                .dataInUse,
                code: "data.in_use",
                message: "\(error)\nStop that engine, or give this one another --data directory."
            )
        case .foreignDirectory:
            self.init(
                .configuration,
                code: "data.not_ours",
                message:
                    "\(error)\nNothing was touched. Give an empty or new directory with --data."
            )
        case .notPrivate, .writableByAll:
            self.init(
                .configuration,
                code: "data.not_private",
                message: "\(error)\nNothing was touched."
            )
        case .ringUnavailable:
            self.init(
                .configuration,
                code: "log.io_uring",
                message: "\(error)\nSet log.io to \"auto\" or \"plain\"."
            )
        case .system(let operation, _, let code):
            let way = Self.wayOut(of: operation, code).map { "\n\($0)" } ?? ""
            self.init(.storage, code: "log.storage", message: "\(error)\(way)")
        case .shortWrite, .noSpace, .notAFile:
            self.init(.storage, code: "log.storage", message: "\(error)")
        }
    }

    /// What can be done where the system refuses an operation on the data directory; nil: that is
    /// not known.
    private static func wayOut(of operation: String, _ code: Int32) -> String? {
        switch code {
        case EACCES, EPERM:
            "Give the engine's user the right to, or name another directory with --data."
        case EROFS, ENOTDIR: "Name another directory with --data."
        case ENOENT where operation == "create":
            "Make the directory that it is to be in (mkdir -p), or name another one with --data."
        case ENOENT where operation == "follow":
            "It is a symbolic link to what is not there: mount or make that, or name another "
                + "directory with --data."
        default: nil
        }
    }

    /// The core did not come to its end in the time that a stop has.
    static var notClosed: ServeError {
        ServeError(
            .storage,
            code: "log.not_closed",
            message: "the log was not closed: what was on its way to the disk had not arrived "
                + "after \(Limits.stopSeconds) s\nEverything that was acknowledged is on disk. The "
                + "next start goes on from there."
        )
    }

    static var noThread: ServeError {
        ServeError(
            .configuration,
            code: "process.no_thread",
            message: "the system has no room for one more thread of the engine"
        )
    }

    init(_ error: ListenerError, setting: String) {
        // No flag reaches into a list of tables.
        let way =
            setting.hasPrefix("worker_listener")
            ? "Change \(setting) in the configuration file."
            : "Change it by the setting \(setting), for example "
                + "--set \(setting)=127.0.0.1:0 for any free port."
        self.init(.configuration, code: "listen.failed", message: "\(error)\n\(way)")
    }
}
