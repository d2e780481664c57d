import CommitLog
package import Disk
import Glibc
package import JSON
import Observability
package import Primitives
import Synchronization

/// The files of a log as a running engine hands them out, to be read as if they were here: what
/// comes is bytes, and checked like those of a disk.
///
/// Any thread may ask, and waits for the answer.
package final class DistantLog: SegmentSource, Sendable {
    /// Calls a function of an engine; throws what that refuses, or that it does not answer.
    package typealias Call =
        @Sendable (_ function: String, _ input: JSONText) throws(ErrorBody)
        -> JSONText

    /// The engine's address.
    package let path: String
    private let call: Call
    /// Of the files that were read first, by segment: retention may put others in their places,
    /// and halves of two files are none.
    private let salts = Mutex<[UInt64: UInt64]>([:])

    /// - Parameters:
    ///   - path: the engine's address, for messages.
    ///   - call: waits for the answer; on any thread.
    package init(of path: String, call: @escaping Call) {
        self.path = path
        self.call = call
    }

    /// The data directory itself, where it can be read from here: this is the engine's machine, and
    /// what has that path is its log.
    ///
    /// - Throws: what the engine refuses, or that it does not answer.
    package func directory() throws(ErrorBody) -> String? {
        let list = try ask(.list)
        guard let machine = list.member("machine")?.stringValue, machine == HostIdentity.boot,
            let data = list.member("data")?.stringValue,
            let engine = list.member("engine")?.stringValue
        else { return nil }
        var reader = LogReader(directory: data)
        do throws(LogError) {
            // A container may have something else there.
            guard let found = try reader.identity() else { return nil }
            return "\(found)" == engine ? data : nil
        } catch {
            // It may belong to somebody else.
            return nil
        }
    }

    /// The offsets up to which the snapshots were folded, the newest first.
    func snapshotEnds() throws(StorageError) -> [Offset] {
        try answer(.list).numbers("snapshots").map { Offset($0) }
    }

    // MARK: Files

    package func segments() throws(StorageError) -> [SegmentFile] {
        let files = try answer(.list).member("segments")?.elements ?? []
        return files.compactMap { file in
            guard let number = file.number("segment"), let size = file.number("bytes") else {
                return nil
            }
            return SegmentFile(number: number, size: Int(clamping: size))
        }
    }

    package func read(
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int {
        var done = 0
        while done < memory.count {
            let count = min(memory.count - done, SegmentPart.countMax)
            let part = SegmentPart(
                segment: segment,
                position: position + done,
                count: count,
                salt: salts.withLock { $0[segment] }
            )
            let rest = UnsafeMutableRawBufferPointer(rebasing: memory[done..<done + count])
            let got = try read(part, into: rest)
            done += got
            if got < count { break }
        }
        return done
    }

    private func read(
        _ part: SegmentPart,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int {
        let found = try answer(.read(part))
        guard let text = found.member("bytes")?.stringValue,
            let count = HexBytes.read(text, into: memory)
        else { throw .system("read", path: path, code: EPROTO) }
        if let salt = found.member("salt")?.stringValue.flatMap({ hexadecimal($0.utf8) }) {
            salts.withLock { $0[part.segment] = salt }
        }
        return count
    }

    package func reopen(segment: UInt64) {
        salts.withLock { $0[segment] = nil }
    }

    package func readManifest(
        slot: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) {
        memory.initializeMemory(as: UInt8.self, repeating: 0)
        let slots = try answer(.list).member("manifest")?.elements ?? []
        guard slot < slots.count, let text = slots[slot].stringValue,
            HexBytes.read(text, into: memory) != nil
        else { throw .system("read", path: "\(path)/MANIFEST", code: EPROTO) }
    }

    // MARK: Asking

    private func answer(_ question: SegmentQuestion) throws(StorageError) -> JSONText {
        do throws(ErrorBody) {
            return try ask(question)
        } catch {
            throw .system("read", path: path, code: Self.number(of: error.code))
        }
    }

    private func ask(_ question: SegmentQuestion) throws(ErrorBody) -> JSONText {
        try call(question.function.rawValue, question.input)
    }

    /// What a disk would have said (errno(3)), by the code of a refusal.
    private static func number(of code: String) -> Int32 {
        switch code {
        case "read_refused": EIO
        case "log.replaced": ESTALE
        case "TIMEOUT": ETIMEDOUT
        case "connection_lost", "cannot_connect": ECONNRESET
        default: EREMOTEIO
        }
    }
}

extension JSONText {
    fileprivate func number(_ name: String) -> UInt64? { member(name)?.wholeNumber }

    fileprivate func numbers(_ name: String) -> [UInt64] {
        member(name)?.elements?.compactMap(\.wholeNumber) ?? []
    }

    private var wholeNumber: UInt64? {
        numberValue?.int64Value.flatMap { UInt64(exactly: $0) }
    }
}
