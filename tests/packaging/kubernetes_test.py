"""packaging/kubernetes against the model of Kubernetes' own client (Debian's python3-kubernetes): every field is one that the kind has,
of its type, and none is missing that must be there; what one document names in another is there; and the settings are Millrace's.
There is no cluster here: what a cluster does with it is not tested."""
import os
import re
import subprocess
import tempfile
import unittest

import yaml
from kubernetes.client import models

from running import MILLRACE, millrace

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MANIFESTS = os.path.join(ROOT, "packaging/kubernetes/millrace.yaml")
KINDS = {("v1", "ConfigMap"): models.V1ConfigMap, ("v1", "Service"): models.V1Service,
         ("apps/v1", "StatefulSet"): models.V1StatefulSet}
PLAIN = {"str": str, "int": int, "bool": bool, "object": object}


def build(kind, value, place):
    """The client's object for a value; AssertionError with its place if Kubernetes does not know it so."""
    if kind in PLAIN:
        assert isinstance(value, PLAIN[kind]) and (kind != "int" or not isinstance(value, bool)), f"{place}: {value!r} is no {kind}"
        return value
    if listed := re.fullmatch(r"list\[(.*)\]", kind):
        assert isinstance(value, list), f"{place}: not a list"
        return [build(listed[1], item, f"{place}[{index}]") for index, item in enumerate(value)]
    if keyed := re.fullmatch(r"dict\(str, (.*)\)", kind):
        assert isinstance(value, dict), f"{place}: not an object"
        return {key: build(keyed[1], item, f"{place}.{key}") for key, item in value.items()}
    return build_model(getattr(models, kind), value, place)


def build_model(model, value, place):
    assert isinstance(value, dict), f"{place}: not an object"
    names = {written: name for name, written in model.attribute_map.items()}
    unknown = set(value) - set(names)
    assert not unknown, f"{place}: {model.__name__} has no {unknown}"
    try:
        return model(**{names[key]: build(model.openapi_types[names[key]], item, f"{place}.{key}") for key, item in value.items()})
    except ValueError as error:
        raise AssertionError(f"{place}: {error}") from error


def load(text):
    """By kind."""
    return {document["kind"]: build_model(KINDS[document["apiVersion"], document["kind"]], document, document["kind"])
            for document in yaml.safe_load_all(text)}


class Manifests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(MANIFESTS, encoding="utf-8") as file:
            cls.text = file.read()
        cls.made = load(cls.text)
        cls.set = cls.made["StatefulSet"].spec
        cls.pod = cls.set.template.spec
        cls.container = cls.pod.containers[0]

    def test_what_kubernetes_does_not_know_is_found(self):
        for right, wrong in (("replicas: 1", "replicas: one"), ("fsGroup:", "fsgroup:"), ("serviceName: millrace", "# none"),
                             ("accessModes: [ReadWriteOnce]", "accessModes: ReadWriteOnce")):
            self.assertIn(right, self.text)
            with self.assertRaises(AssertionError, msg=wrong):
                load(self.text.replace(right, wrong))

    def test_what_they_name_of_each_other_is_there(self):
        labels = self.set.template.metadata.labels
        self.assertEqual(self.set.selector.match_labels, labels)
        self.assertEqual(self.made["Service"].spec.selector, labels)
        self.assertEqual(self.set.service_name, self.made["Service"].metadata.name)
        ports = {port.name: port.container_port for port in self.container.ports}
        self.assertEqual({port.target_port: port.port for port in self.made["Service"].spec.ports}, ports)
        for probe in (self.container.startup_probe, self.container.readiness_probe, self.container.liveness_probe):
            self.assertIn(probe.http_get.port, ports)
        volumes = {volume.name for volume in self.pod.volumes} | {claim.metadata.name for claim in self.set.volume_claim_templates}
        self.assertEqual({mount.name for mount in self.container.volume_mounts}, volumes)
        named = next(volume.config_map.name for volume in self.pod.volumes if volume.config_map)
        self.assertEqual(named, self.made["ConfigMap"].metadata.name)

    def test_the_settings_are_those_of_millrace_and_fit_ports_and_volumes(self):
        config = self.made["ConfigMap"].data["millrace.yaml"]
        mounts = {mount.name: mount.mount_path for mount in self.container.volume_mounts}
        self.assertEqual(self.container.args, ["serve", "--config", mounts["config"] + "/millrace.yaml"])
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(config)
            file.flush()
            shown = millrace("config", "show", "--config", file.name)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        settings = yaml.safe_load(config)
        self.assertEqual(settings["data"], mounts["data"])
        for port in self.container.ports:
            self.assertEqual(settings[port.name], f"0.0.0.0:{port.container_port}")

    def test_it_has_the_time_that_its_workers_may_take_to_finish(self):
        shown = subprocess.run([MILLRACE, "config", "show"], capture_output=True, text=True, check=True).stdout
        grace = int(re.search(r"(?m)^grace\s+(\d+)s", shown)[1])
        self.assertGreater(self.pod.termination_grace_period_seconds, grace)
        self.assertEqual(self.set.replicas, 1)


if __name__ == "__main__":
    unittest.main()
