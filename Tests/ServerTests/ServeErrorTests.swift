import CommitLog
import Disk
import Glibc
import NetServer
import Primitives
import Testing

@testable import Server

@Suite("Why an engine does not start")
struct ServeErrorTests {
    @Test("an address is changed where it is written: no flag reaches into a list of tables")
    func wayOut() {
        let error = ListenerError.addressInUse(ListenAddress(host: "127.0.0.1", port: 1))
        let listed = ServeError(error, setting: "worker_listener[0].address")
        #expect(listed.code == "listen.failed")
        #expect(
            listed.message.hasSuffix(
                "\nChange worker_listener[0].address in the configuration file."
            )
        )
        let own = ServeError(error, setting: "engine.address")
        #expect(own.message.contains("--set engine.address=127.0.0.1:0"))
    }

    @Test("what the system refuses of a data directory has a way out, where one is known")
    func refusedData() {
        func message(_ operation: String, _ code: Int32) -> String {
            ServeError(StorageError.system(operation, path: "/d", code: code)).message
        }
        #expect(message("create", EACCES).contains("Give the engine's user the right to"))
        #expect(message("create", ENOENT).contains("mkdir -p"))
        #expect(message("open", ENOTDIR).hasSuffix("Name another directory with --data."))
        #expect(!message("read", ENOENT).contains("\n"))
    }

    @Test("of files that are not in their places nothing is given up: they are to be put there")
    func misplaced() {
        func ways(_ reason: Damage.Reason) -> [String] {
            let damage = Damage(reason, segment: 1, position: 0, lost: .zero..<Offset(5))
            let error = ServeError(LogError.damaged([damage]), data: "/my data")
            return [error.message, DamageAdvice.text(of: [damage], in: "/my data")]
        }
        for way in ways(.misnamed(2)) {
            #expect(way.contains("rename log/00000000000000000001.seg to 00000000000000000002.seg"))
            #expect(!way.contains("repair --dry-run") && !way.contains("-D "), "\(way)")
        }
        for way in ways(.foreignManifest) {
            #expect(way.contains("move '/my data'/MANIFEST away"), "\(way)")
            #expect(!way.contains("-D "), "\(way)")
        }
        for way in ways(.changedBits) {
            #expect(way.contains("`iii-log -D '/my data' verify`"), "\(way)")
        }
    }

    @Test("a size is told in units that leave something of it")
    func size() {
        #expect(Doctor.size(256 << 10) == "256 KiB")
        #expect(Doctor.size(16 << 20) == "16 MiB")
        #expect(Doctor.size(12 << 30) == "12 GiB")
    }
}
