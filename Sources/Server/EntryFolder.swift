import ConfigurationEntries
import Disk
import Engine
import JSON
import Primitives

/// The directory with the files of configuration entries, `ID.yaml`: read at the start and after
/// every edit, and never written (services 1, E.2).
///
/// The core is told of all files together, so that it knows which have gone. Where the directory
/// cannot be read nothing has: entries stay as they are.
struct EntryFolder: Sendable {
    private let path: String
    private let inbox: Inbox
    private let report: Report

    /// The largest file that is read, in bytes.
    private static let bytesMax = 1 << 20

    /// Nil: the configuration names no directory.
    init?(_ configuration: Configuration.Entries, inbox: Inbox, report: Report) {
        guard let directory = configuration.directory else { return nil }
        path = directory
        self.inbox = inbox
        self.report = report
    }

    /// Reads the files, and begins to watch. Before listeners are open: the first worker finds
    /// entries as their files say. A directory that is not there is read once it is.
    func start() {
        do throws(SystemError) {
            let watch = try DirectoryWatch()
            // First the watch: what changes while the files are read is read again.
            let isThere = try watch.attend(path)
            if !isThere {
                tell(
                    .warning,
                    "\(path) is not there: there are no files of configuration entries until it is"
                )
            }
            let first = isThere ? look(watch) : nil
            if ServerThread.tryStart({ follow(watch, after: first, isThere) }) { return }
            tell(
                .warning,
                "\(path) is not watched (the system has no room for one more thread): edits of its "
                    + "files count from the next start on"
            )
        } catch {
            tell(
                .warning,
                "\(path) cannot be watched (\(error)): there are no files of configuration entries"
            )
        }
    }

    private func follow(_ watch: DirectoryWatch, after first: Look?, _ isThere: Bool) {
        var last = first
        var wasThere = isThere
        while watch.waitForChange() {
            do throws(SystemError) {
                let isThere = try watch.attend(path)
                // While it is gone what happens around it is nothing new.
                if isThere || wasThere { last = look(watch, after: last) }
                wasThere = isThere
            } catch {
                return tell(.error, "\(path) cannot be watched any more: \(error)")
            }
        }
    }

    /// What was read, to see whether something is new.
    private struct Look {
        var files: [String: EntryFile] = [:]
        var complaints: Set<Complaint> = []
        var hashes: [String: UInt64] { files.mapValues(\.hash) }
    }

    /// What is wrong with a file, and the hash of what it holds: told once, until it is edited.
    private struct Complaint: Hashable {
        let severity: Notice.Severity
        let text: String
        let hash: UInt64
    }

    private func look(_ watch: DirectoryWatch, after last: Look? = nil) -> Look? {
        guard let names = names() else {
            tell(.error, "\(path) cannot be read: configuration entries stay as they are")
            return last
        }
        var look = Look()
        func complain(_ severity: Notice.Severity, _ text: String, hash: UInt64 = 0) {
            let complaint = Complaint(severity: severity, text: text, hash: hash)
            guard look.complaints.insert(complaint).inserted,
                last?.complaints.contains(complaint) != true
            else { return }
            tell(severity, text)
        }
        for name in names {
            guard let id = Self.id(of: name) else {
                let text = "\(path)/\(name) is no file of a configuration entry: ID.yaml is"
                complain(.warning, text)
                continue
            }
            // A link is not all that decides what is there.
            do throws(SystemError) { try watch.attend("\(path)/\(name)") } catch {
                complain(.warning, "edits of \(path)/\(name) may not be seen: \(error)")
            }
            let read = read(id, name)
            look.files[id] = read.file
            for text in read.errors { complain(.error, text, hash: read.file.hash) }
        }
        if look.hashes != last?.hashes { inbox.offer(.takeFiles(Array(look.files.values))) }
        return look
    }

    private func names() -> [String]? {
        namesInDirectory(path)?.filter(Self.isMeant).sorted()
    }

    /// Whether a file is there for an entry, be it under a name that none has. Editors and volumes
    /// have files of their own, which begin with a dot.
    static func isMeant(_ name: String) -> Bool {
        !name.hasPrefix(".") && (name.hasSuffix(".yaml") || name.hasSuffix(".yml"))
    }

    /// The entry whose file has this name; nil: none has.
    static func id(of name: String) -> String? {
        guard name.hasSuffix(".yaml") else { return nil }
        let id = String(name.dropLast(".yaml".count))
        return ConfigurationView.isID(id) ? id : nil
    }

    /// A file, and why it is not taken; empty: it can be.
    private func read(_ id: String, _ name: String) -> (file: EntryFile, errors: [String]) {
        let text: String
        do throws(ConfigurationFile.ReadError) {
            text = try ConfigurationFile.read("\(path)/\(name)")
        } catch {
            let why = "\(path)/\(name) cannot be read and is not taken: \(error)"
            return (EntryFile(id: id, hash: 0, content: nil), [why])
        }
        var hash = ContentHash()
        hash.add(text)
        var findings = Findings()
        let content = Self.content(of: text, id, name, &findings)
        let errors = findings.errors.map { error in
            "\(path)/\(name) is not taken, the entry stays as it is: \(error)"
        }
        return (EntryFile(id: id, hash: hash.value, content: content), errors)
    }

    /// What a file says; nil, and findings, where it cannot be taken.
    static func content(
        of text: String,
        _ id: String,
        _ name: String,
        _ findings: inout Findings
    ) -> EntryFile.Content? {
        guard text.utf8.count <= bytesMax,
            let root = YAMLReader.read(
                Expansion(verbatim: text),
                file: name,
                findings: &findings
            )
        else { return nil }
        guard root.isTable else {
            findings.mismatch(.type, root, mustBe: "a table with id, name, description and value")
            return nil
        }
        var content = EntryFile.Content()
        for entry in root.entries {
            let setting = entry.setting
            switch (entry.key, setting.value) {
            case ("id", .string(id)): break
            case ("id", _): findings.mismatch(.value, setting, mustBe: "\"\(id)\", as its file")
            case ("name", .string(let text)): content.name = text
            case ("description", .string(let text)): content.description = text
            case ("name", _), ("description", _):
                findings.mismatch(.type, setting, mustBe: "a string")
            case ("value", _): content.value = setting.json.text
            case ("metadata", .null): break
            case ("metadata", _): content.metadata = setting.json.text
            default:
                let allowed = ["id", "name", "description", "value", "metadata"]
                findings.unknownKey(entry, in: name, allowed: allowed)
            }
        }
        return findings.errors.isEmpty ? content : nil
    }

    private func tell(_ severity: Notice.Severity, _ text: String) {
        report.notice(Notice(severity: severity, paragraph: text))
    }
}

extension Setting {
    /// The same as JSON.
    fileprivate var json: JSONValue {
        switch value {
        case .null: return .null
        case .boolean(let flag): return .bool(flag)
        case .integer(let number): return .integer(number)
        case .unsigned(let number): return .number(JSONNumber(number))
        case .number(let number): return JSONNumber(number).map { .number($0) } ?? .null
        case .string(let text), .untyped(let text), .other(let text): return .string(text)
        case .array(let elements): return .array(elements.map(\.json))
        case .table(let entries):
            var object = JSONObject()
            for entry in entries { object[entry.key] = entry.setting.json }
            return .object(object)
        }
    }
}
