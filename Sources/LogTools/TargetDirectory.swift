import Disk
import Glibc
import Primitives
import RecordFormat

/// A directory that becomes a data directory: everything is written beside the names that count,
/// and gets them at the end. Whatever interrupts it leaves a directory that no engine takes, and
/// that the next attempt begins anew with; an error leaves nothing.
struct TargetDirectory: ~Copyable {
    let files: DirectoryFiles
    /// Keeps the lock.
    private let storage: PlainStorage
    private var isFinished = false

    private static let folder = "log.partial"
    private static let manifest = DataDirectory.partialManifest

    /// With `isEmpty` nothing at all may be there, else what an engine, too, lets stand beside a
    /// log; an unfinished copy in either case.
    ///
    /// - Throws: ``ToolError/Code/notEmpty``, or why the directory cannot be taken.
    init(_ path: String, isEmpty: Bool) throws(ToolError) {
        let files = DirectoryFiles(path: path)
        let names = try files.names(in: ".")
        let isUnfinished = Self.isUnfinished(names)
        let own = isUnfinished ? [Self.folder, Self.manifest, "log", "LOCK"] : ["LOCK"]
        if isEmpty, let found = names.first(where: { !own.contains($0) }) {
            throw ToolError(.notEmpty, target: path, found: found)
        }
        let storage = try Self.claim(files, isUnfinished)
        self.files = files
        self.storage = storage
    }

    deinit {
        guard !isFinished else { return }
        // What cannot be removed now is when the next attempt begins.
        try? Self.clear(files)
        try? files.remove("LOCK")
    }

    private static func isUnfinished(_ names: [String]) -> Bool {
        !names.contains("MANIFEST") && (names.contains(folder) || names.contains(manifest))
    }

    private static func claim(
        _ files: DirectoryFiles,
        _ isUnfinished: Bool
    ) throws(ToolError) -> PlainStorage {
        let path = files.path
        let waker = try told(path) { () throws(StorageError) in try Waker() }
        let storage = PlainStorage(path: path, waker: waker)
        if isUnfinished {
            try told(path) { () throws(StorageError) in try storage.lock() }
            try clear(files)
        }
        guard try !told(path, { () throws(StorageError) in try storage.isInUse() }) else {
            throw ToolError(.notEmpty, target: path, found: "log")
        }
        if !isUnfinished { try told(path) { () throws(StorageError) in try storage.lock() } }
        try files.giveToOwner("LOCK")
        try files.makeFolder(folder)
        return storage
    }

    private static func told<Value>(
        _ path: String,
        _ body: () throws(StorageError) -> Value
    ) throws(ToolError) -> Value {
        do throws(StorageError) { return try body() } catch {
            throw ToolError(error, target: path)
        }
    }

    /// Removes what an attempt has written, but for the lock.
    private static func clear(_ files: DirectoryFiles) throws(ToolError) {
        let names = try files.names(in: ".")
        // It may have been finished meanwhile.
        guard isUnfinished(names) else { return }
        try files.removeFolder(folder)
        guard names.contains(manifest) else { return }
        // What says that this is a copy goes last.
        try files.removeFolder("log")
        try files.remove(manifest)
    }

    /// The name under which a segment is written.
    func name(_ segment: UInt64) -> String {
        "\(Self.folder)/\(DataDirectory.segmentName(segment))"
    }

    /// Gives everything its name; from then on an engine opens it. Segments without MANIFEST would
    /// be a log that has lost it, so that is there before, under a name which says what this is.
    mutating func finish(_ manifest: Manifest) throws(ToolError) {
        try manifest.write(to: files, as: Self.manifest)
        try files.sync(Self.folder)
        try files.sync(".")
        try files.rename(Self.folder, to: "log")
        try files.rename(Self.manifest, to: "MANIFEST")
        try files.sync(".")
        isFinished = true
    }

    /// Makes an unfinished copy of a finished one that turned out not to be sound. The lock has
    /// been kept since: no engine has opened it.
    func revoke() throws(ToolError) {
        try files.rename("MANIFEST", to: Self.manifest)
        try files.sync(".")
    }
}

extension ToolError {
    /// Why a directory cannot be taken or written.
    init(_ error: StorageError, target path: String) {
        switch error {
        case .locked: self.init(.inUse, error.description)
        case .foreignDirectory(_, let found): self.init(.notEmpty, target: path, found: found)
        default: self.init(.notWritten, error.description)
        }
    }

    init(_ code: Code, target path: String, found: String) {
        self.init(code, "\(path) is not empty (it holds '\(found)'): name a new directory")
    }
}
